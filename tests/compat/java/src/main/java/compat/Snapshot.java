package compat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** All that a client can see of the topics given: every message with all its fields, offsets, times, keys and ids. */
final class Snapshot {
    private static final int BATCH = 32;
    private final Options options;
    private final DefaultMQPullConsumer consumer;

    private Snapshot(Options options) {
        this.options = options;
        this.consumer = new DefaultMQPullConsumer(options.need("group"));
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("S" + System.nanoTime());
    }

    static void run(Options options) throws Exception {
        Snapshot work = new Snapshot(options);
        work.consumer.start();
        Brokers.meet(work.consumer);
        for (String topic : options.need("topics").split(",")) {
            for (MessageQueue queue : new TreeSet<>(work.consumer.fetchSubscribeMessageQueues(topic))) {
                work.queue(queue);
            }
        }
        for (String question : options.text("keys", "").split(",")) {
            if (!question.isEmpty()) {
                work.key(question.substring(question.indexOf('@') + 1), question.substring(0, question.indexOf('@')));
            }
        }
        work.consumer.shutdown();
    }

    private void queue(MessageQueue queue) throws Exception {
        List<MessageExt> messages = drain(queue);
        long middle = messages.isEmpty() ? 0 : messages.get(messages.size() / 2).getStoreTimestamp();
        Events.emit("queue", "queue", Events.queue(queue), "min", consumer.minOffset(queue), "max",
            consumer.maxOffset(queue), "earliest", consumer.earliestMsgStoreTime(queue), "time", middle, "by_time",
            consumer.searchOffset(queue, middle), "committed", consumer.fetchConsumeOffset(queue, true));
        for (MessageExt message : messages) {
            Events.emit("message", "message", fields(message));
        }
        for (int i = 0; i < messages.size(); i += 10) {
            String id = ((MessageClientExt) messages.get(i)).getOffsetMsgId();
            Events.emit("by_id", "message", fields(consumer.viewMessage(queue.getTopic(), id)));
        }
    }

    private List<MessageExt> drain(MessageQueue queue) throws Exception {
        List<MessageExt> found = new ArrayList<>();
        long offset = consumer.minOffset(queue);
        while (true) {
            PullResult result = consumer.pull(queue, "*", offset, BATCH);
            if (result.getPullStatus() == PullStatus.FOUND) {
                found.addAll(result.getMsgFoundList());
            } else if (result.getNextBeginOffset() == offset) {
                return found;
            }
            offset = result.getNextBeginOffset();
        }
    }

    private void key(String topic, String key) throws Exception {
        List<Object> found = new ArrayList<>();
        try {
            for (MessageExt message : consumer.queryMessage(topic, key, BATCH, 0, Long.MAX_VALUE).getMessageList()) {
                found.add(fields(message));
            }
        } catch (MQClientException nothing) {
            Events.emit("key", "topic", topic, "key", key, "nothing", true);
            return;
        }
        Events.emit("key", "topic", topic, "key", key, "found", found);
    }

    /** The client adds MIN_OFFSET and MAX_OFFSET itself to what it pulled; the rest is the broker's. */
    private static Map<String, Object> fields(MessageExt message) {
        byte[] body = message.getBody() == null ? new byte[0] : message.getBody();
        CRC32 crc = new CRC32();
        crc.update(body);
        Map<String, String> properties = new TreeMap<>();
        if (message.getProperties() != null) {
            properties.putAll(message.getProperties());
        }
        properties.keySet().remove("MIN_OFFSET");
        properties.keySet().remove("MAX_OFFSET");
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("topic", message.getTopic());
        members.put("queue_id", message.getQueueId());
        members.put("queue_offset", message.getQueueOffset());
        members.put("physical_offset", message.getCommitLogOffset());
        members.put("store_size", message.getStoreSize());
        members.put("flag", message.getFlag());
        members.put("sys_flag", message.getSysFlag());
        members.put("born_timestamp", message.getBornTimestamp());
        members.put("born_host", String.valueOf(message.getBornHost()));
        members.put("store_timestamp", message.getStoreTimestamp());
        members.put("store_host", String.valueOf(message.getStoreHost()));
        members.put("reconsume_times", message.getReconsumeTimes());
        members.put("prepared_transaction_offset", message.getPreparedTransactionOffset());
        members.put("body_crc", message.getBodyCRC());
        members.put("body_size", body.length);
        members.put("crc", crc.getValue());
        members.put("properties", properties);
        return members;
    }
}
