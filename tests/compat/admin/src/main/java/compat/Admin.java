package compat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.admin.ConsumeStats;
import org.apache.rocketmq.common.admin.OffsetWrapper;
import org.apache.rocketmq.common.admin.RollbackStats;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.common.protocol.body.ConsumeStatsList;
import org.apache.rocketmq.common.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.common.protocol.body.QueueTimeSpan;
import org.apache.rocketmq.common.protocol.heartbeat.SubscriptionData;
import org.apache.rocketmq.common.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** An operator: each line of standard input is a call, {@code COMMAND key=value…}; its outcome is one "did" line. */
final class Admin {
    private final DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000);

    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        Admin work = new Admin();
        work.admin.setNamesrvAddr(options.need("namesrv"));
        work.admin.setInstanceName("A" + System.nanoTime());
        work.admin.start();
        Events.emit("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null && !line.equals("quit"); line = commands.readLine()) {
            work.obey(line.split(" "));
        }
        work.admin.shutdown();
        System.exit(0);
    }

    private void obey(String[] words) {
        try {
            Events.emit("did", "result", call(words[0], Options.parse(words)), "code", 0);
        } catch (MQClientException problem) {
            Events.emit("did", "code", problem.getResponseCode(), "error", problem.getErrorMessage());
        } catch (MQBrokerException problem) {
            Events.emit("did", "code", problem.getResponseCode(), "error", problem.getErrorMessage());
        } catch (Exception problem) {
            Events.emit("did", "code", -1, "error", String.valueOf(problem));
        }
    }

    private Object call(String command, Options options) throws Exception {
        String topic = options.text("topic", "");
        String group = options.text("group", "");
        long timestamp = options.big("timestamp", -1);
        switch (command) {
            case "reset":
                return offsets(admin.resetOffsetByTimestamp(topic, group, timestamp, options.flag("force")));
            case "reset-new":
                admin.resetOffsetNew(group, topic, timestamp);
                return null;
            case "reset-old":
                return rollbacks(admin.resetOffsetByTimestampOld(group, topic, timestamp, options.flag("force")));
            case "running-info":
                return runningInfo(admin.getConsumerRunningInfo(group, options.need("client"), options.flag("jstack")));
            case "consume-directly":
                return direct(admin.consumeMessageDirectly(group, options.need("client"), options.need("id")));
            case "status":
                return statuses(admin.getConsumeStatus(topic, group, options.text("client", "")));
            case "clone":
                admin.cloneGroupOffset(group, options.need("to"), topic, true);
                return null;
            case "stats":
                return progress(topic.isEmpty() ? admin.examineConsumeStats(group) : admin.examineConsumeStats(group, topic));
            case "all-stats":
                return everyone(admin.fetchConsumeStatsInBroker(options.need("address"), false, 10_000), group);
            case "spans":
                return spans(admin.queryConsumeTimeSpan(topic, group));
            case "entries":
                return admin.queryConsumeQueue(options.need("address"), topic, options.number("queue", 0),
                    options.big("index", 0), options.number("count", 10), null);
            case "search":
                return admin.searchOffset(new MessageQueue(topic, options.need("broker"), options.number("queue", 0)),
                    timestamp);
            case "group":
                admin.createAndUpdateSubscriptionGroupConfig(options.need("address"), config(group, options));
                return null;
            default:
                throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private static SubscriptionGroupConfig config(String group, Options options) {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(group);
        config.setConsumeEnable(Boolean.parseBoolean(options.text("consume", "true")));
        config.setConsumeBroadcastEnable(Boolean.parseBoolean(options.text("broadcast", "true")));
        config.setRetryQueueNums(options.number("retryQueues", 1));
        config.setRetryMaxTimes(options.number("retryTimes", 16));
        return config;
    }

    private static Map<String, Object> row(MessageQueue queue, Object... pairs) {
        Map<String, Object> row = new HashMap<>(Events.queue(queue));
        for (int i = 0; i < pairs.length; i += 2) {
            row.put((String) pairs[i], pairs[i + 1]);
        }
        return row;
    }

    private static List<Object> offsets(Map<MessageQueue, Long> table) {
        List<Object> rows = new ArrayList<>();
        table.forEach((queue, offset) -> rows.add(row(queue, "offset", offset)));
        return rows;
    }

    private static List<Object> rollbacks(List<RollbackStats> stats) {
        List<Object> rows = new ArrayList<>();
        for (RollbackStats each : stats) {
            MessageQueue queue = new MessageQueue("", each.getBrokerName(), (int) each.getQueueId());
            rows.add(row(queue, "offset", each.getRollbackOffset()));
        }
        return rows;
    }

    private static Map<String, Object> statuses(Map<String, Map<MessageQueue, Long>> table) {
        Map<String, Object> byClient = new HashMap<>();
        table.forEach((client, queues) -> byClient.put(client, offsets(queues)));
        return byClient;
    }

    private static Map<String, Object> runningInfo(ConsumerRunningInfo info) {
        Map<String, Object> told = new HashMap<>();
        List<String> topics = new ArrayList<>();
        for (SubscriptionData subscription : info.getSubscriptionSet()) {
            topics.add(subscription.getTopic());
        }
        told.put("topics", topics);
        told.put("queues", info.getMqTable().size());
        told.put("type", info.getProperties().getProperty(ConsumerRunningInfo.PROP_CONSUME_TYPE));
        told.put("jstack", info.getJstack());
        return told;
    }

    private static Map<String, Object> direct(ConsumeMessageDirectlyResult result) {
        Map<String, Object> told = new HashMap<>();
        told.put("result", String.valueOf(result.getConsumeResult()));
        told.put("order", result.isOrder());
        return told;
    }

    private static List<Object> progress(ConsumeStats stats) {
        List<Object> rows = new ArrayList<>();
        for (Map.Entry<MessageQueue, OffsetWrapper> entry : stats.getOffsetTable().entrySet()) {
            OffsetWrapper at = entry.getValue();
            rows.add(row(entry.getKey(), "end", at.getBrokerOffset(), "offset", at.getConsumerOffset(),
                "timestamp", at.getLastTimestamp()));
        }
        return rows;
    }

    private static List<Object> everyone(ConsumeStatsList list, String group) {
        List<Object> rows = new ArrayList<>();
        for (Map<String, List<ConsumeStats>> byGroup : list.getConsumeStatsList()) {
            for (ConsumeStats stats : byGroup.getOrDefault(group, new ArrayList<>())) {
                rows.addAll(progress(stats));
            }
        }
        return rows;
    }

    private static List<Object> spans(List<QueueTimeSpan> spans) {
        List<Object> rows = new ArrayList<>();
        for (QueueTimeSpan span : spans) {
            rows.add(row(span.getMessageQueue(), "min", span.getMinTimeStamp(), "max", span.getMaxTimeStamp(),
                "consumed", span.getConsumeTimeStamp(), "delay", span.getDelayTime()));
        }
        return rows;
    }
}
