package compat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.PlainAccessConfig;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * What clients with access keys may do: {@code steps=} a list joined by {@code ;}, each step
 * {@code verb/accessKey/secretKey/argument…} ({@code -} for no keys). One "step" line each, with code and remark.
 */
final class Access {
    private static final long PATIENCE_MS = 15_000;

    private final Options options;
    private final Map<String, DefaultMQProducer> producers = new HashMap<>();
    private final Map<String, DefaultMQAdminExt> admins = new HashMap<>();

    private Access(Options options) {
        this.options = options;
    }

    static void run(Options options) throws Exception {
        Access work = new Access(options);
        String[] steps = options.need("steps").split(";");
        for (int at = 0; at < steps.length; at++) {
            work.report(at, steps[at].split("/", -1));
        }
        for (DefaultMQProducer producer : work.producers.values()) {
            producer.shutdown();
        }
        for (DefaultMQAdminExt admin : work.admins.values()) {
            admin.shutdown();
        }
    }

    private void report(int at, String[] words) throws Exception {
        int code = 0;
        String remark = null;
        Object value = null;
        try {
            value = take(words);
        } catch (MQBrokerException problem) {
            code = problem.getResponseCode();
            remark = problem.getErrorMessage();
        } catch (MQClientException problem) {
            code = problem.getResponseCode();
            remark = problem.getErrorMessage();
            if (problem.getCause() instanceof MQBrokerException) {
                remark = ((MQBrokerException) problem.getCause()).getErrorMessage();
            }
        }
        Events.emit("step", "at", at, "verb", words[0], "code", code, "remark", remark, "value", value);
    }

    private Object take(String[] words) throws Exception {
        String key = words[1];
        String secret = words[2];
        switch (words[0]) {
            case "send":
                return producer(key, secret).send(message(words[3])).getSendStatus().name();
            case "batch":
                List<Message> two = Arrays.asList(message(words[3]), message(words[3]));
                return producer(key, secret).send(two).getSendStatus().name();
            case "served":
                return until(key, secret, words[3], true);
            case "refused":
                return until(key, secret, words[3], false);
            case "pull":
                return pull(hook(key, secret), words[3], words[4]);
            case "push":
                return push(hook(key, secret), words[3], words[4], Integer.parseInt(words[5]));
            case "put":
                admin(key, secret).createAndUpdatePlainAccessConfig(broker(), account(words));
                return null;
            case "delete":
                admin(key, secret).deletePlainAccessConfig(broker(), words[3]);
                return null;
            case "white":
                admin(key, secret).updateGlobalWhiteAddrConfig(broker(), words[3]);
                return null;
            case "version":
                return admin(key, secret).examineBrokerClusterAclVersionInfo(broker()).getAclConfigDataVersion()
                    .getCounter().get();
            case "topic":
                TopicConfig topic = new TopicConfig(words[3], 2, 2, 6);
                admin(key, secret).createAndUpdateTopicConfig(broker(), topic);
                return null;
            case "cluster":
                return admin(key, secret).examineBrokerClusterInfo().getBrokerAddrTable().size();
            default:
                throw new IllegalArgumentException("unknown verb " + words[0]);
        }
    }

    private String broker() {
        return options.need("broker");
    }

    private static RPCHook hook(String key, String secret) {
        return key.equals("-") ? null : new AclClientRPCHook(new SessionCredentials(key, secret));
    }

    private static Message message(String topic) {
        return new Message(topic, Bodies.make(0, 0));
    }

    private static PlainAccessConfig account(String[] words) {
        PlainAccessConfig account = new PlainAccessConfig();
        account.setAccessKey(words[3]);
        account.setSecretKey(words[4]);
        account.setAdmin(Boolean.parseBoolean(words[5]));
        account.setTopicPerms(Arrays.asList(words[6].split(",")));
        return account;
    }

    private DefaultMQProducer producer(String key, String secret) throws Exception {
        DefaultMQProducer producer = producers.get(key + secret);
        if (producer == null) {
            producer = new DefaultMQProducer("PG_access", hook(key, secret));
            producer.setNamesrvAddr(options.need("namesrv"));
            producer.setInstanceName("A" + System.nanoTime());
            producer.setRetryTimesWhenSendFailed(0);
            producer.setSendMsgTimeout(15_000);
            producer.start();
            meet(producer);
            producers.put(key + secret, producer);
        }
        return producer;
    }

    /** As {@link Brokers} has it; but whether a broker answers is the question here. */
    private static void meet(DefaultMQProducer producer) throws Exception {
        MQClientInstance client = producer.getDefaultMQProducerImpl().getmQClientFactory();
        client.updateTopicRouteInfoFromNameServer("TBW102");
        client.sendHeartbeatToAllBrokerWithLock();
    }

    private DefaultMQAdminExt admin(String key, String secret) throws Exception {
        DefaultMQAdminExt admin = admins.get(key + secret);
        if (admin == null) {
            admin = new DefaultMQAdminExt(hook(key, secret), 5000);
            admin.setNamesrvAddr(options.need("namesrv"));
            admin.setInstanceName("A" + System.nanoTime());
            admin.start();
            admins.put(key + secret, admin);
        }
        return admin;
    }

    /** Sends until that is as wanted; rules that change take a moment to be in force. */
    private Object until(String key, String secret, String topic, boolean served) throws Exception {
        Events.emit("waiting");
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (true) {
            try {
                String status = producer(key, secret).send(message(topic)).getSendStatus().name();
                if (served) {
                    return status;
                }
            } catch (MQClientException | MQBrokerException problem) {
                if (!served || System.currentTimeMillis() > deadline) {
                    throw problem;
                }
            }
            if (System.currentTimeMillis() > deadline) {
                return "too late";
            }
            Thread.sleep(100);
        }
    }

    private Object pull(RPCHook hook, String group, String topic) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group, hook);
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("A" + System.nanoTime());
        consumer.start();
        try {
            int found = 0;
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
                List<MessageExt> messages = consumer.pull(queue, "*", 0, 32).getMsgFoundList();
                found += messages == null ? 0 : messages.size();
            }
            return found;
        } finally {
            consumer.shutdown();
        }
    }

    /** How many different messages of a topic a push consumer has got when it has enough, or when its time is over. */
    private Object push(RPCHook hook, String group, String topic, int wanted) throws Exception {
        final Set<String> found = ConcurrentHashMap.newKeySet();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group, hook, new AllocateMessageQueueAveragely());
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("A" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(new MessageListenerConcurrently() {
            @Override
            public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext context) {
                for (MessageExt message : batch) {
                    found.add(message.getQueueId() + ":" + message.getQueueOffset());
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }
        });
        consumer.start();
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (found.size() < wanted && System.currentTimeMillis() < deadline) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
        consumer.shutdown();
        return found.size();
    }
}
