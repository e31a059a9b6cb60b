package compat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.impl.consumer.ProcessQueue;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * A push consumer: a "consumed" line for each delivery; standard input takes "queues", "select EXPRESSION" and "quit" (or
 * its end). It subscribes by {@code sql} where that is given, else by {@code tags}.
 */
final class Consume {
    private final Options options;
    private final DefaultMQPushConsumer consumer;
    private final int failFirst;

    private Consume(Options options) {
        this.options = options;
        this.failFirst = options.number("failFirst", 0);
        this.consumer = new DefaultMQPushConsumer(options.need("group"), options.flag("trace"),
            options.text("traceTopic", null));
        consumer.setNamesrvAddr(options.need("namesrv"));
        consumer.setPollNameServerInterval(1000);
        consumer.setHeartbeatBrokerInterval(2000);
        consumer.setInstanceName(options.text("instance", "C" + System.nanoTime()));
        consumer.setConsumeFromWhere(ConsumeFromWhere.valueOf(options.text("from", "CONSUME_FROM_FIRST_OFFSET")));
        if (!options.text("fromTime", "").isEmpty()) {
            consumer.setConsumeTimestamp(options.text("fromTime", ""));
        }
        // MessageModel has another package in 5.x.
        consumer.setMessageModel(Enum.valueOf(consumer.getMessageModel().getDeclaringClass(),
            options.text("model", "CLUSTERING")));
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        consumer.setPersistConsumerOffsetInterval(1000);
        consumer.setSuspendCurrentQueueTimeMillis(200);
        if (options.number("maxReconsume", -1) >= 0) {
            consumer.setMaxReconsumeTimes(options.number("maxReconsume", -1));
        }
    }

    static void run(Options options) throws Exception {
        Consume work = new Consume(options);
        work.subscribe();
        work.listen();
        work.consumer.start();
        Events.emit("started", "client_id", work.consumer.buildMQClientId());
        work.obey();
        Traces.flush(work.consumer.getTraceDispatcher());
        work.consumer.shutdown();
    }

    private void subscribe() throws Exception {
        if (options.text("sql", "").isEmpty()) {
            consumer.subscribe(options.need("topic"), options.text("tags", "*"));
        } else {
            consumer.subscribe(options.need("topic"), MessageSelector.bySql(options.need("sql")));
        }
    }

    private void listen() {
        if (options.flag("order")) {
            consumer.registerMessageListener(new MessageListenerOrderly() {
                @Override
                public ConsumeOrderlyStatus consumeMessage(List<MessageExt> batch, ConsumeOrderlyContext context) {
                    return take(batch, context.getMessageQueue()) ? ConsumeOrderlyStatus.SUCCESS
                        : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
                }
            });
        } else {
            consumer.registerMessageListener(new MessageListenerConcurrently() {
                @Override
                public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext context) {
                    return take(batch, context.getMessageQueue()) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS
                        : ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            });
        }
    }

    private boolean take(List<MessageExt> batch, MessageQueue queue) {
        boolean well = true;
        for (MessageExt message : batch) {
            boolean accepted = message.getReconsumeTimes() >= failFirst;
            Events.message("consumed", message, "accepted", accepted, "broker", queue.getBrokerName());
            well &= accepted;
        }
        return well;
    }

    private void obey() throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null && !line.equals("quit"); line = commands.readLine()) {
            if (line.equals("queues")) {
                queues();
            } else if (line.startsWith("select ")) {
                consumer.subscribe(options.need("topic"), MessageSelector.bySql(line.substring("select ".length())));
                Events.emit("selected");
            }
        }
    }

    private void queues() {
        List<Map<String, Object>> owned = new ArrayList<>();
        for (Map.Entry<MessageQueue, ProcessQueue> entry
            : consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().entrySet()) {
            if (!entry.getValue().isDropped() && entry.getKey().getTopic().equals(options.need("topic"))) {
                owned.add(Events.queue(entry.getKey()));
            }
        }
        Events.emit("queues", "queues", owned);
    }
}
