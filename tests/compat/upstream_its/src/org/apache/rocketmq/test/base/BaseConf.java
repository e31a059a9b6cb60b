package org.apache.rocketmq.test.base;

import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.common.MQVersion;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.test.client.rmq.RMQAsyncSendProducer;
import org.apache.rocketmq.test.client.rmq.RMQNormalConsumer;
import org.apache.rocketmq.test.client.rmq.RMQNormalProducer;
import org.apache.rocketmq.test.clientinterface.AbstractMQConsumer;
import org.apache.rocketmq.test.clientinterface.AbstractMQProducer;
import org.apache.rocketmq.test.factory.ConsumerFactory;
import org.apache.rocketmq.test.listener.AbstractListener;
import org.apache.rocketmq.test.util.MQAdmin;
import org.apache.rocketmq.test.util.MQRandomUtils;

/**
 * Stands in for upstream's class of this name, from which every integration test inherits: the same fields and helpers,
 * for a cluster that runs by itself instead of one in this JVM.
 *
 * One thing is stricter: a test of which a message could not be sent has failed. Many of upstream's tests compare only what
 * was sent with what was consumed, so they pass on a broker that refuses half of it.
 */
public class BaseConf {
    public static String nsAddr = RunningCluster.NAMESRV;
    protected static String clusterName;
    protected static String broker1Name;
    protected static String broker2Name;
    protected static int brokerNum = 2;
    /** Seconds in which consumers share their queues, as upstream. */
    protected static int waitTime = 5;
    /** Milliseconds a test waits for messages at most; upstream's own value is two minutes. */
    protected static int consumeTime = Integer.getInteger("its.consumeTimeMs", 120_000);
    protected static boolean debug = false;
    protected static List<Object> mqClients = new ArrayList<>();
    private static final int SEND_TIMEOUT_MS = Integer.getInteger("its.sendTimeoutMs", 3_000);

    static {
        System.setProperty(RemotingCommand.REMOTING_VERSION_KEY, Integer.toString(MQVersion.CURRENT_VERSION));
        RunningCluster cluster = RunningCluster.find();
        clusterName = cluster.name;
        broker1Name = cluster.firstMaster;
        broker2Name = cluster.secondMaster;
    }

    public static String initTopic() {
        String topic = MQRandomUtils.getRandomTopic();
        IntegrationTestBase.initTopic(topic, nsAddr, clusterName);
        return topic;
    }

    public static String initConsumerGroup() {
        return initConsumerGroup(MQRandomUtils.getRandomConsumerGroup());
    }

    public static String initConsumerGroup(String group) {
        MQAdmin.createSub(nsAddr, clusterName, group);
        return group;
    }

    public static RMQNormalProducer getProducer(String nsAddr, String topic) {
        return getProducer(nsAddr, topic, false);
    }

    public static RMQNormalProducer getProducer(String nsAddr, String topic, boolean useTLS) {
        return patient(new RMQNormalProducer(nsAddr, topic, useTLS));
    }

    public static RMQNormalProducer getProducer(String nsAddr, String topic, String producerGroup, String instanceName) {
        return patient(new RMQNormalProducer(nsAddr, topic, producerGroup, instanceName));
    }

    public static RMQAsyncSendProducer getAsyncProducer(String nsAddr, String topic) {
        RMQAsyncSendProducer producer = new RMQAsyncSendProducer(nsAddr, topic);
        mqClients.add(producer);
        return producer;
    }

    public static RMQNormalConsumer getConsumer(String nsAddr, String topic, String subExpression,
        AbstractListener listener) {
        return getConsumer(nsAddr, topic, subExpression, listener, false);
    }

    public static RMQNormalConsumer getConsumer(String nsAddr, String topic, String subExpression,
        AbstractListener listener, boolean useTLS) {
        return getConsumer(nsAddr, initConsumerGroup(), topic, subExpression, listener, useTLS);
    }

    public static RMQNormalConsumer getConsumer(String nsAddr, String consumerGroup, String topic, String subExpression,
        AbstractListener listener) {
        return getConsumer(nsAddr, consumerGroup, topic, subExpression, listener, false);
    }

    public static RMQNormalConsumer getConsumer(String nsAddr, String consumerGroup, String topic, String subExpression,
        AbstractListener listener, boolean useTLS) {
        RMQNormalConsumer consumer =
            ConsumerFactory.getRMQNormalConsumer(nsAddr, consumerGroup, topic, subExpression, listener, useTLS);
        mqClients.add(consumer);
        return consumer;
    }

    private static RMQNormalProducer patient(RMQNormalProducer producer) {
        producer.getProducer().setSendMsgTimeout(SEND_TIMEOUT_MS);
        mqClients.add(producer);
        return producer;
    }

    /** Ends the clients of one test, all of them whatever one of them does, and fails it for what was not sent. */
    public static void shutdown() {
        List<Object> clients = mqClients;
        mqClients = new ArrayList<>();
        RuntimeException first = null;
        int unsent = 0;
        for (Object client : clients) {
            try {
                end(client);
            } catch (RuntimeException problem) {
                first = first == null ? problem : first;
            }
            unsent += client instanceof RMQNormalProducer ? ((RMQNormalProducer) client).getSendErrorMsg().size() : 0;
        }
        if (first != null) {
            throw first;
        }
        if (unsent > 0) {
            throw new AssertionError(unsent + " messages could not be sent");
        }
    }

    private static void end(Object client) {
        if (client instanceof AbstractMQProducer) {
            ((AbstractMQProducer) client).shutdown();
        } else {
            ((AbstractMQConsumer) client).shutdown();
        }
    }
}
