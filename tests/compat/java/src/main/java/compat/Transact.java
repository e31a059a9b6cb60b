package compat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A producer of transactions: message i ends as the list {@code local} says at i modulo its length, and a check is
 * answered by the list {@code check} in the same way. A "sent" line a message, a "checked" line a check; with
 * {@code stay=true} it goes on answering checks until "quit" comes on standard input.
 */
final class Transact implements TransactionListener {
    private final Options options;
    private final TransactionMQProducer producer;
    private final String[] local;
    private final String[] check;

    private Transact(Options options) {
        this.options = options;
        this.local = options.text("local", "commit").split(",");
        this.check = options.text("check", "unknown").split(",");
        this.producer = new TransactionMQProducer(options.text("group", "PG_transact"));
        producer.setNamesrvAddr(options.need("namesrv"));
        producer.setPollNameServerInterval(1000);
        producer.setHeartbeatBrokerInterval(1000);
        producer.setInstanceName(options.text("instance", "T" + System.nanoTime()));
        producer.setSendMsgTimeout(15_000);
        producer.setTransactionListener(this);
    }

    static void run(Options options) throws Exception {
        Transact work = new Transact(options);
        work.producer.start();
        work.connect();
        int first = options.number("first", 0);
        for (int i = first; i < first + options.number("count", 10); i++) {
            work.send(i);
        }
        Events.emit("started");
        if (options.flag("stay")) {
            BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
            for (String line = commands.readLine(); line != null && !line.equals("quit"); line = commands.readLine()) {
            }
        } else {
            Thread.sleep(300); // ends of transactions are one-way: leave the connection open until they are away
        }
        work.producer.shutdown();
    }

    /** A producer that only answers checks has to be known to the brokers too. */
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

    private void send(int index) throws Exception {
        Message message = new Message(options.need("topic"), Bodies.make(index, options.number("size", 0)));
        message.setFlag(options.number("flag", 0));
        message.setKeys("k" + index);
        message.putUserProperty("owner", "transact");
        if (options.number("immunity", 0) > 0) {
            message.putUserProperty("CHECK_IMMUNITY_TIME_IN_SECONDS", options.text("immunity", ""));
        }
        TransactionSendResult result = producer.sendMessageInTransaction(message, index);
        Events.emit("sent", "index", index, "status", result.getSendStatus().name(),
            "state", result.getLocalTransactionState().name(), "broker", result.getMessageQueue().getBrokerName(),
            "queue_id", result.getMessageQueue().getQueueId(), "msg_id", result.getMsgId(), "at", System.currentTimeMillis());
    }

    private static LocalTransactionState state(String[] list, int index) {
        switch (list[index % list.length]) {
            case "commit":
                return LocalTransactionState.COMMIT_MESSAGE;
            case "rollback":
                return LocalTransactionState.ROLLBACK_MESSAGE;
            case "unknown":
                return LocalTransactionState.UNKNOW;
            default:
                throw new IllegalArgumentException(list[index % list.length]);
        }
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object index) {
        return state(local, (Integer) index);
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
        int index = Bodies.index(message.getBody());
        Events.message("checked", message, "flag", message.getFlag(), "transaction_id", message.getTransactionId(),
            "times", message.getProperty("TRANSACTION_CHECK_TIMES"), "at", System.currentTimeMillis());
        return state(check, index);
    }
}
