package compat;

import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.impl.FindBrokerResult;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Has a client meet its brokers before it is used: when two threads of it need the same new connection at once, the
 * second closes the first's. An asynchronous send that was on it fails, a synchronous one is stored twice: no fault of the
 * broker.
 */
final class Brokers {
    private static final long MASTER = 0;
    private static final int TRIES = 200;

    /** Until the brokers of these queues have answered a heartbeat; the client's own may hold its lock for a while. */
    static void meet(MQClientInstance client, Iterable<MessageQueue> queues) throws Exception {
        for (MessageQueue queue : queues) {
            for (int tries = 0; tries < TRIES && !isMet(client, queue.getBrokerName()); tries++) {
                client.sendHeartbeatToAllBrokerWithLock();
                Thread.sleep(20);
            }
        }
    }

    /** All that make topics by themselves. */
    static void meet(DefaultMQPullConsumer consumer) throws Exception {
        MQClientInstance client = consumer.getDefaultMQPullConsumerImpl().getRebalanceImpl().getmQClientFactory();
        client.updateTopicRouteInfoFromNameServer("TBW102");
        if (client.getAnExistTopicRouteData("TBW102") != null) {
            meet(client, consumer.fetchSubscribeMessageQueues("TBW102"));
        }
    }

    /** A broker tells its version with the answer to a heartbeat. */
    private static boolean isMet(MQClientInstance client, String broker) {
        FindBrokerResult found = client.findBrokerAddressInSubscribe(broker, MASTER, true);
        return found != null && found.getBrokerVersion() > 0;
    }

    private Brokers() {
    }
}
