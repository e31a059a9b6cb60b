package compat;

import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Questions about what a broker stores: offsets, messages by key, one message by id, topics by hand. */
final class Lookup {
    private static DefaultMQPullConsumer start(Options options) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(options.text("group", "CG_lookup"));
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("K" + System.nanoTime());
        consumer.start();
        Brokers.meet(consumer);
        return consumer;
    }

    static void offsets(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(options.need("topic"))) {
            Events.emit("offsets", "queue", Events.queue(queue), "min", consumer.minOffset(queue),
                "max", consumer.maxOffset(queue), "earliest", consumer.earliestMsgStoreTime(queue),
                "by_time", consumer.searchOffset(queue, options.big("timestamp", 0)));
        }
        consumer.shutdown();
    }

    static void query(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        try {
            QueryResult result = consumer.queryMessage(options.need("topic"), options.need("key"),
                options.number("max", 32), options.big("begin", 0), options.big("end", Long.MAX_VALUE));
            for (MessageExt message : result.getMessageList()) {
                Events.message("found", message);
            }
            Events.emit("index", "last_update", result.getIndexLastUpdateTimestamp());
        } catch (MQClientException nothing) {
            Events.emit("nothing", "code", nothing.getResponseCode());
        }
        consumer.shutdown();
    }

    /** {@code id=} is the id a broker gave (host and offset) or the client's own, which is looked for in {@code topic=}. */
    static void view(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        MessageExt found = consumer.viewMessage(options.text("topic", ""), options.need("id"));
        if (found != null) {
            Events.message("found", found);
        }
        consumer.shutdown();
    }

    static void createTopic(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        String topic = options.need("topic");
        int queues = options.number("queues", 4);
        try {
            DefaultMQPullConsumer.class.getMethod("createTopic", String.class, String.class, int.class)
                .invoke(consumer, "TBW102", topic, queues);
        } catch (NoSuchMethodException since5) {
            DefaultMQPullConsumer.class.getMethod("createTopic", String.class, String.class, int.class, Map.class)
                .invoke(consumer, "TBW102", topic, queues, new HashMap<String, String>());
        }
        consumer.shutdown();
    }

    private Lookup() {
    }
}
