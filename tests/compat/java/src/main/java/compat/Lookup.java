package compat;

import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Questions about what a broker stores: offsets, messages by key, one message by id, topics by hand. */
final class Lookup {
    private static DefaultMQPullConsumer start(Options options) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(options.text("group", "CG_lookup"));
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("K" + System.nanoTime());
        consumer.start();
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
        QueryResult result = consumer.queryMessage(options.need("topic"), options.need("key"), options.number("max", 32),
            options.big("begin", 0), options.big("end", Long.MAX_VALUE));
        for (MessageExt message : result.getMessageList()) {
            Events.message("found", message);
        }
        Events.emit("index", "last_update", result.getIndexLastUpdateTimestamp());
        consumer.shutdown();
    }

    /** {@code id=} is either the id a broker gave (host and offset) or, with {@code topic=}, the client's own. */
    static void view(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        String topic = options.text("topic", "");
        MessageExt found = topic.isEmpty() ? consumer.viewMessage(options.need("id"))
            : consumer.viewMessage(topic, options.need("id"));
        if (found != null) {
            Events.message("found", found);
        }
        consumer.shutdown();
    }

    static void createTopic(Options options) throws Exception {
        DefaultMQPullConsumer consumer = start(options);
        consumer.createTopic("TBW102", options.need("topic"), options.number("queues", 4));
        consumer.shutdown();
    }

    private Lookup() {
    }
}
