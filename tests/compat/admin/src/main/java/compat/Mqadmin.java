package compat;

import com.alibaba.fastjson.JSON;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Upstream's mqadmin, many command lines in one process: each line of standard input is a JSON list, the seconds a
 * command may take, a pattern of the output that is enough (or nothing), and its words; what it printed is one "did"
 * line. What does not end by itself is interrupted then.
 */
public final class Mqadmin {
    public static void main(String[] arguments) throws Exception {
        Events.emit("started");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null && !line.equals("quit"); line = lines.readLine()) {
            List<String> words = JSON.parseArray(line, String.class);
            Pattern enough = words.get(1).isEmpty() ? null : Pattern.compile(words.get(1));
            obey(Long.parseLong(words.get(0)) * 1000, enough, words.subList(2, words.size()).toArray(new String[0]));
        }
        System.exit(0);
    }

    private static void obey(long limitMs, Pattern enough, String[] words) throws Exception {
        PrintStream events = System.out;
        PrintStream problems = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        boolean ended;
        System.setOut(new PrintStream(out, true, "UTF-8"));
        System.setErr(new PrintStream(err, true, "UTF-8"));
        try {
            ended = run(limitMs, enough, out, words);
        } finally {
            System.setOut(events);
            System.setErr(problems);
        }
        Events.emit("did", "out", out.toString("UTF-8"), "err", err.toString("UTF-8"), "ended", ended);
    }

    /** Whether the command came to an end of its own; a fresh start's state is put back first. */
    private static boolean run(long limitMs, Pattern enough, ByteArrayOutputStream out, final String[] words)
        throws InterruptedException {
        Startup.forget();
        System.clearProperty(MixAll.NAMESRV_ADDR_PROPERTY);
        Thread command = new Thread("mqadmin") {
            @Override
            public void run() {
                try {
                    MQAdminStartup.main0(words, null);
                } catch (Throwable problem) {
                    problem.printStackTrace();
                }
            }
        };
        command.start();
        long end = System.currentTimeMillis() + limitMs;
        while (command.isAlive() && System.currentTimeMillis() < end
            && (enough == null || !enough.matcher(out.toString()).find())) {
            command.join(10);
        }
        boolean ended = !command.isAlive();
        command.interrupt();
        command.join();
        return ended;
    }

    /** Each start adds all commands to the list of the one before. */
    private static final class Startup extends MQAdminStartup {
        static void forget() {
            subCommandList.clear();
        }
    }

    private Mqadmin() {
    }
}
