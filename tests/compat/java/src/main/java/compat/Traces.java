package compat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceDispatcher;
import org.apache.rocketmq.common.message.MessageExt;

/** What is told of one message in a trace topic, as consoles look it up: by the message's id or key. */
final class Traces {
    static void run(Options options) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("CG_traces");
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setInstanceName("T" + System.nanoTime());
        consumer.start();
        Brokers.meet(consumer);
        for (MessageExt message : find(consumer, options)) {
            String data = new String(message.getBody(), StandardCharsets.UTF_8);
            for (TraceContext context : TraceDataEncoder.decoderFromTraceDataString(data)) {
                for (TraceBean bean : context.getTraceBeans()) {
                    tell(message, context, bean);
                }
            }
        }
        consumer.shutdown();
    }

    private static List<MessageExt> find(DefaultMQPullConsumer consumer, Options options) throws Exception {
        try {
            return consumer.queryMessage(options.need("topic"), options.need("key"), 64, 0, Long.MAX_VALUE)
                .getMessageList();
        } catch (MQClientException nothing) {
            return new ArrayList<>();
        }
    }

    private static void tell(MessageExt message, TraceContext context, TraceBean bean) {
        Events.emit("trace", "trace_topic", message.getTopic(), "type", context.getTraceType().name(),
            "group", context.getGroupName(), "region", context.getRegionId(), "success", context.isSuccess(),
            "request_id", context.getRequestId(), "msg_id", bean.getMsgId(), "offset_msg_id", bean.getOffsetMsgId(),
            "topic", bean.getTopic(), "tags", bean.getTags(), "keys", bean.getKeys(),
            "retry_times", bean.getRetryTimes(), "store_host", bean.getStoreHost());
    }

    /** A client that shuts down does not wait for its traces, which two threads in turn have to take up. */
    static void flush(TraceDispatcher dispatcher) throws IOException, InterruptedException {
        if (dispatcher != null) {
            dispatcher.flush();
            Thread.sleep(700);
        }
    }

    private Traces() {
    }
}
