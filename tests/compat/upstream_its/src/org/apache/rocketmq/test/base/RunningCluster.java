package org.apache.rocketmq.test.base;

import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.protocol.body.ClusterInfo;
import org.apache.rocketmq.common.protocol.route.BrokerData;
import org.apache.rocketmq.test.util.MQAdmin;

/** The cluster that {@code -Dits.namesrv=host:port} names: its own name and its masters, as the name server tells them. */
final class RunningCluster {
    static final String NAMESRV = System.getProperty("its.namesrv", "127.0.0.1:9876");
    private static final int MASTERS = 2;
    private static final long PATIENCE_MS = 90_000;

    final String name;
    final String firstMaster;
    final String secondMaster;

    private RunningCluster(String name, SortedSet<String> masters) {
        this.name = name;
        this.firstMaster = masters.first();
        this.secondMaster = masters.last();
    }

    /** Waits until two masters of one cluster are registered; the suite's tests count on both. */
    static RunningCluster find() {
        long end = System.currentTimeMillis() + PATIENCE_MS;
        String seen;
        do {
            ClusterInfo info = MQAdmin.getCluster(NAMESRV);
            seen = info == null ? "no answer" : info.toJson();
            if (info != null && info.getClusterAddrTable() != null) {
                for (Map.Entry<String, Set<String>> cluster : info.getClusterAddrTable().entrySet()) {
                    SortedSet<String> masters = masters(info, cluster.getValue());
                    if (masters.size() == MASTERS) {
                        return new RunningCluster(cluster.getKey(), masters);
                    }
                }
            }
            sleep(500);
        } while (System.currentTimeMillis() < end);
        throw new IllegalStateException("no cluster of " + MASTERS + " masters at " + NAMESRV + ": " + seen);
    }

    private static SortedSet<String> masters(ClusterInfo info, Set<String> names) {
        SortedSet<String> masters = new TreeSet<>();
        for (String name : names) {
            BrokerData broker = info.getBrokerAddrTable().get(name);
            if (broker != null && broker.getBrokerAddrs().containsKey(MixAll.MASTER_ID)) {
                masters.add(name);
            }
        }
        return masters;
    }

    static void sleep(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException stop) {
            throw new IllegalStateException(stop);
        }
    }
}
