package org.apache.rocketmq.test.base;

import org.apache.rocketmq.test.util.MQAdmin;

/**
 * Stands in for upstream's class of this name, which starts servers inside the JVM. Against a cluster that runs by itself only
 * topics are left to make; a test that wants a server of its own finds no method for it.
 */
public class IntegrationTestBase {
    private static final int QUEUES = 8;
    private static final long PATIENCE_MS = 30_000;

    /** True once both masters tell the topic's queues; fails after 30 s, so that no test starts without its topic. */
    public static boolean initTopic(String topic, String nsAddr, String clusterName) {
        return initTopic(topic, nsAddr, clusterName, QUEUES);
    }

    public static boolean initTopic(String topic, String nsAddr, String clusterName, int queueNumbers) {
        long end = System.currentTimeMillis() + PATIENCE_MS;
        while (!MQAdmin.createTopic(nsAddr, clusterName, topic, queueNumbers)) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("topic " + topic + " was not made in " + PATIENCE_MS + " ms");
            }
            RunningCluster.sleep(500);
        }
        return true;
    }
}
