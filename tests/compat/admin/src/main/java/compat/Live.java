package compat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.MessageQueueSelector;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/**
 * Producers and consumers of an application that an operator looks at, under names that are always the same. Standard
 * input takes {@code produce group=…}, {@code send group=… topic=… first=… count=…}, {@code consume group=… topic=…},
 * {@code leave group=…} and {@code quit}; each is answered by one "did" line.
 */
public final class Live {
    private final String namesrv;
    private final Map<String, DefaultMQProducer> producers = new HashMap<>();
    private final Map<String, DefaultMQPushConsumer> consumers = new HashMap<>();
    private final Map<String, AtomicInteger> consumed = new HashMap<>();

    private Live(String namesrv) {
        this.namesrv = namesrv;
    }

    public static void main(String[] arguments) throws Exception {
        Live work = new Live(Options.parse(arguments).need("namesrv"));
        Events.emit("started");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null && !line.equals("quit"); line = lines.readLine()) {
            String[] words = line.split(" ");
            Events.emit("did", "result", work.obey(words[0], Options.parse(words)), "code", 0);
        }
        System.exit(0);
    }

    private Object obey(String command, Options options) throws Exception {
        String group = options.need("group");
        switch (command) {
            case "produce":
                return produce(group);
            case "send":
                return send(producers.get(group), options);
            case "consume":
                return consume(group, options);
            case "count":
                return consumed.get(group).get();
            case "leave":
                consumers.remove(group).shutdown();
                return null;
            default:
                throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private Object produce(String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(group);
        producer.setHeartbeatBrokerInterval(1000);
        producer.setSendMsgTimeout(15_000);
        producer.start();
        producers.put(group, producer);
        return producer.buildMQClientId();
    }

    /** Message i goes to the i-th of all queues, has the key k-i and, in turn, the tags A and B. */
    private static Object send(DefaultMQProducer producer, Options options) throws Exception {
        List<Map<String, String>> sent = new ArrayList<>();
        int first = options.number("first", 0);
        for (int i = first; i < first + options.number("count", 1); i++) {
            Message message = new Message(options.need("topic"), i % 2 == 0 ? "A" : "B", "k-" + i,
                ("body " + i).getBytes("UTF-8"));
            message.putUserProperty("colour", "red");
            SendResult result = producer.send(message, new MessageQueueSelector() {
                @Override
                public MessageQueue select(List<MessageQueue> queues, Message message, Object index) {
                    List<MessageQueue> sorted = new ArrayList<>(queues);
                    java.util.Collections.sort(sorted);
                    return sorted.get((Integer) index % sorted.size());
                }
            }, i);
            Map<String, String> ids = new HashMap<>();
            ids.put("unique", result.getMsgId());
            ids.put("offset", result.getOffsetMsgId());
            sent.add(ids);
        }
        return sent;
    }

    private Object consume(String group, Options options) throws Exception {
        final int failFirst = options.number("failFirst", 0);
        final AtomicInteger count = new AtomicInteger();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(group);
        consumer.setPollNameServerInterval(1000);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setPersistConsumerOffsetInterval(500);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        consumer.setMessageModel(MessageModel.valueOf(options.text("model", "CLUSTERING")));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(options.need("topic"), options.text("tags", "*"));
        consumer.registerMessageListener(new MessageListenerConcurrently() {
            @Override
            public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext context) {
                for (MessageExt message : batch) {
                    if (message.getReconsumeTimes() < failFirst) {
                        return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                    }
                }
                count.addAndGet(batch.size());
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }
        });
        consumer.start();
        consumers.put(group, consumer);
        consumed.put(group, count);
        return consumer.buildMQClientId();
    }
}
