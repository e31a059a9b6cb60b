package compat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.MessageQueueSelector;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends {@code count} messages numbered from {@code first}, as many again in each further {@code mode}; one "sent" or
 * "failed" line each. With {@code stay=true} it goes on until "quit" comes on standard input.
 */
final class Produce {
    private final Options options;
    private final DefaultMQProducer producer;
    private int first;
    private final int count;
    private final String[] tags;

    private Produce(Options options) {
        this.options = options;
        this.first = options.number("first", 0);
        this.count = options.number("count", 10);
        String list = options.text("tags", "");
        this.tags = list.isEmpty() ? new String[0] : list.split(",");
        this.producer = new DefaultMQProducer(options.text("group", "PG_compat"), options.flag("trace"),
            options.text("traceTopic", null));
        producer.setNamesrvAddr(options.need("namesrv"));
        producer.setPollNameServerInterval(1000);
        producer.setHeartbeatBrokerInterval(2000);
        producer.setInstanceName(options.text("instance", "P" + System.nanoTime()));
        producer.setSendMsgTimeout(options.number("timeoutMs", 15_000));
    }

    static void run(Options options) throws Exception {
        Produce work = new Produce(options);
        work.producer.start();
        work.connect();
        for (String mode : options.text("mode", "sync").split(",")) {
            work.send(mode);
            work.first += work.count;
        }
        if (options.flag("stay")) {
            BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
            for (String line = commands.readLine(); line != null && !line.equals("quit"); line = commands.readLine()) {
            }
        }
        Traces.flush(work.producer.getTraceDispatcher());
        work.producer.shutdown();
    }

    private void send(String mode) throws Exception {
        switch (mode) {
            case "sync":
                sync();
                break;
            case "async":
                async();
                break;
            case "oneway":
                oneway();
                break;
            case "batch":
                batch();
                break;
            case "orderly":
                orderly();
                break;
            default:
                throw new IllegalArgumentException("unknown mode " + mode);
        }
    }

    private Message message(int index) {
        Message message = new Message(options.need("topic"), Bodies.make(index, options.number("size", 0)));
        if (tags.length > 0) {
            message.setTags(tags[index % tags.length]);
        }
        if (!options.text("keys", "").isEmpty()) {
            message.setKeys(options.need("keys") + index);
        }
        if (!options.text("oneKey", "").isEmpty()) {
            message.setKeys(options.need("oneKey"));
        }
        if (options.number("delay", 0) > 0) {
            message.setDelayTimeLevel(options.number("delay", 0));
        }
        message.putUserProperty("owner", options.text("owner", "compat"));
        if (options.flag("numbered")) {
            message.putUserProperty("number", String.valueOf(index));
        }
        return message;
    }

    private void sync() throws Exception {
        int pauseMs = options.number("pauseMs", 0);
        for (int i = first; i < first + count; i++) {
            try {
                sent(i, producer.send(message(i)));
            } catch (Exception problem) {
                failed(i, problem);
            }
            if (pauseMs > 0) {
                Thread.sleep(pauseMs);
            }
        }
    }

    /** Opens the connections first, where there is a route. */
    private void connect() throws Exception {
        MQClientInstance client = producer.getDefaultMQProducerImpl().getmQClientFactory();
        for (String topic : new String[] {options.need("topic"), "TBW102"}) {
            client.updateTopicRouteInfoFromNameServer(topic);
            if (client.getAnExistTopicRouteData(topic) != null) {
                Brokers.meet(client, producer.fetchPublishMessageQueues(topic));
                return;
            }
        }
    }

    private void async() throws Exception {
        final CountDownLatch open = new CountDownLatch(count);
        final Semaphore window = new Semaphore(options.number("window", 64));
        for (int i = first; i < first + count; i++) {
            final int index = i;
            window.acquire();
            producer.send(message(i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent(index, result);
                    window.release();
                    open.countDown();
                }

                @Override
                public void onException(Throwable problem) {
                    failed(index, problem);
                    window.release();
                    open.countDown();
                }
            });
        }
        if (!open.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException(open.getCount() + " asynchronous sends were never answered");
        }
    }

    private void oneway() throws Exception {
        for (int i = first; i < first + count; i++) {
            producer.sendOneway(message(i));
            Events.emit("oneway", "index", i);
        }
        // A one-way send has no answer: leave the connection open until the bytes are away.
        Thread.sleep(500);
    }

    private void batch() throws Exception {
        int size = options.number("batch", 8);
        for (int i = first; i < first + count; i += size) {
            List<Message> messages = new ArrayList<>();
            for (int j = i; j < Math.min(i + size, first + count); j++) {
                messages.add(message(j));
            }
            sent(i, producer.send(messages));
        }
    }

    /** Messages of one lane (index modulo lanes) go to one queue, in order. */
    private void orderly() throws Exception {
        final int lanes = options.number("lanes", 4);
        MessageQueueSelector selector = new MessageQueueSelector() {
            @Override
            public MessageQueue select(List<MessageQueue> queues, Message message, Object lane) {
                return queues.get((Integer) lane % queues.size());
            }
        };
        for (int i = first; i < first + count; i++) {
            sent(i, producer.send(message(i), selector, i % lanes));
        }
    }

    private static void sent(int index, SendResult result) {
        Events.emit("sent", "index", index, "status", result.getSendStatus().name(), "msg_id", result.getMsgId(),
            "offset_msg_id", result.getOffsetMsgId(), "broker", result.getMessageQueue().getBrokerName(),
            "queue_id", result.getMessageQueue().getQueueId(), "queue_offset", result.getQueueOffset(),
            "region", result.getRegionId());
    }

    private static void failed(int index, Throwable problem) {
        Events.emit("failed", "index", index, "error", String.valueOf(problem));
    }
}
