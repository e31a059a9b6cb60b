package compat;

import com.alibaba.fastjson.JSON;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Prints what happened, one JSON object a line, whole lines only. */
final class Events {
    static void emit(String event, Object... pairs) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("event", event);
        for (int i = 0; i < pairs.length; i += 2) {
            members.put((String) pairs[i], pairs[i + 1]);
        }
        String line = JSON.toJSONString(members);
        synchronized (Events.class) {
            System.out.println(line);
            System.out.flush();
        }
    }

    /** A message as it came back from a broker; the body is told by its size and CRC. */
    static void message(String event, MessageExt message, Object... more) {
        byte[] body = message.getBody();
        CRC32 crc = new CRC32();
        crc.update(body);
        Object[] pairs = {
            "index", Bodies.index(body), "size", body.length, "crc", crc.getValue(), "topic", message.getTopic(),
            "tags", message.getTags(), "keys", message.getKeys(), "msg_id", message.getMsgId(),
            "queue_id", message.getQueueId(), "queue_offset", message.getQueueOffset(),
            "reconsume_times", message.getReconsumeTimes(), "store_host", String.valueOf(message.getStoreHost()),
            "store_timestamp", message.getStoreTimestamp(), "born_timestamp", message.getBornTimestamp(),
            "retry_topic", message.getProperty("RETRY_TOPIC"), "owner", message.getUserProperty("owner"),
        };
        Object[] all = java.util.Arrays.copyOf(pairs, pairs.length + more.length);
        System.arraycopy(more, 0, all, pairs.length, more.length);
        emit(event, all);
    }

    static Map<String, Object> queue(MessageQueue queue) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("broker", queue.getBrokerName());
        members.put("queue_id", queue.getQueueId());
        members.put("topic", queue.getTopic());
        return members;
    }

    private Events() {
    }
}

/** Bodies carry the message's index, then filler up to the size asked for. */
final class Bodies {
    static byte[] make(int index, int size) {
        byte[] head = (index + ":").getBytes(StandardCharsets.US_ASCII);
        byte[] body = new byte[Math.max(size, head.length)];
        for (int i = 0; i < body.length; i++) {
            // Not one repeated byte: a compressed 64 KiB body must still be tens of kilobytes on the wire.
            body[i] = (byte) ((i * 2654435761L + (long) index * 40503) >>> 13);
        }
        System.arraycopy(head, 0, body, 0, head.length);
        return body;
    }

    static int index(byte[] body) {
        int value = 0;
        for (byte b : body) {
            if (b < '0' || b > '9') {
                return value;
            }
            value = value * 10 + (b - '0');
        }
        return value;
    }

    private Bodies() {
    }
}
