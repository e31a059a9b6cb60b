package compat;

import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumer: reads every queue of a topic to its end, then commits what it read. */
final class Pull {
    static void run(Options options) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(options.need("group"));
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName(options.text("instance", "L" + System.nanoTime()));
        consumer.start();
        Brokers.meet(consumer); // which also tell their versions: the client asks old ones for nothing by SQL92
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(options.need("topic"))) {
            drain(consumer, queue, options);
        }
        consumer.shutdown();
    }

    private static void drain(DefaultMQPullConsumer consumer, MessageQueue queue, Options options) throws Exception {
        long offset = consumer.fetchConsumeOffset(queue, true);
        Events.emit("queue", "queue", Events.queue(queue), "committed", offset, "min", consumer.minOffset(queue),
            "max", consumer.maxOffset(queue));
        offset = options.big("offset", Math.max(offset, 0));
        while (true) {
            PullResult result = pull(consumer, queue, options, offset);
            Events.emit("pulled", "queue", Events.queue(queue), "status", result.getPullStatus().name(), "offset", offset,
                "next", result.getNextBeginOffset(), "min", result.getMinOffset(), "max", result.getMaxOffset());
            if (result.getPullStatus() == PullStatus.FOUND) {
                for (MessageExt message : result.getMsgFoundList()) {
                    Events.message("found", message, "broker", queue.getBrokerName());
                }
            }
            boolean over = result.getPullStatus() == PullStatus.NO_NEW_MSG || result.getNextBeginOffset() == offset;
            offset = result.getNextBeginOffset();
            if (over) {
                break;
            }
        }
        consumer.updateConsumeOffset(queue, offset);
        consumer.getOffsetStore().persist(queue);
    }

    private static PullResult pull(DefaultMQPullConsumer consumer, MessageQueue queue, Options options, long offset)
        throws Exception {
        int max = options.number("max", 32);
        String sql = options.text("sql", "");
        return sql.isEmpty() ? consumer.pull(queue, options.text("tags", "*"), offset, max)
            : consumer.pull(queue, MessageSelector.bySql(sql), offset, max);
    }

    private Pull() {
    }
}
