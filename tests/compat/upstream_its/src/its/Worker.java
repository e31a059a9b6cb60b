package its;

import com.alibaba.fastjson.JSON;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.Request;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/**
 * Runs the test classes that are named on standard input, one after the other. Standard output takes one JSON object for
 * each start and end of a test and for the end of a class; what the tests themselves print goes to standard error.
 */
public final class Worker extends RunListener {
    private final PrintStream events;
    private final Map<String, StringBuilder> failures = new LinkedHashMap<>();
    private final StringBuilder ofTheClass = new StringBuilder();
    private long startedAt;

    private Worker(PrintStream events) {
        this.events = events;
    }

    public static void main(String[] none) throws Exception {
        Worker worker = new Worker(System.out);
        System.setOut(System.err);
        BufferedReader classes = new BufferedReader(new InputStreamReader(System.in));
        for (String name = classes.readLine(); name != null; name = classes.readLine()) {
            JUnitCore core = new JUnitCore();
            core.addListener(worker);
            core.run(Request.aClass(Class.forName(name)));
            worker.emit("class", name, worker.ofTheClass, 0);
            worker.ofTheClass.setLength(0);
        }
        Runtime.getRuntime().halt(0); // clients that a test forgot would keep the JVM
    }

    @Override
    public void testStarted(Description test) {
        startedAt = System.nanoTime();
        emit("start", id(test), null, 0);
    }

    @Override
    public void testFailure(Failure failure) {
        if (failure.getDescription().isTest()) {
            String id = id(failure.getDescription());
            failures.computeIfAbsent(id, unused -> new StringBuilder()).append(failure.getTrace());
        } else {
            ofTheClass.append(failure.getTrace());
        }
    }

    @Override
    public void testIgnored(Description what) {
        emit("skip", id(what), null, 0);
    }

    @Override
    public void testFinished(Description test) {
        StringBuilder trace = failures.remove(id(test));
        emit(trace == null ? "pass" : "fail", id(test), trace, (System.nanoTime() - startedAt) / 1e9);
    }

    private static String id(Description test) {
        String method = test.getMethodName(); // null: the class as a whole is ignored
        return test.getTestClass().getSimpleName() + "#" + (method == null ? "*" : method);
    }

    private void emit(String event, String name, CharSequence trace, double seconds) {
        System.err.println(new Date() + " " + event + " " + name); // to find the test's lines in the client's log
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("event", event);
        members.put("name", name);
        members.put("trace", trace == null ? "" : trace.toString());
        members.put("seconds", Math.round(seconds * 10) / 10.0);
        events.println(JSON.toJSONString(members));
        events.flush();
    }
}
