package compat;

/**
 * The official Java client, told what to do by a test: {@code Main COMMAND key=value…}.
 * Every outcome is one JSON line on standard output; nothing else is printed there.
 */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        try {
            run(arguments[0], options);
        } catch (Throwable problem) {
            Events.emit("error", "error", String.valueOf(problem));
            problem.printStackTrace();
            System.exit(1);
        }
        Events.emit("done");
        System.exit(0);
    }

    private static void run(String command, Options options) throws Exception {
        switch (command) {
            case "produce":
                Produce.run(options);
                break;
            case "consume":
                Consume.run(options);
                break;
            case "pull":
                Pull.run(options);
                break;
            case "offsets":
                Lookup.offsets(options);
                break;
            case "query":
                Lookup.query(options);
                break;
            case "view":
                Lookup.view(options);
                break;
            case "snapshot":
                Snapshot.run(options);
                break;
            case "transact":
                Transact.run(options);
                break;
            case "traces":
                Traces.run(options);
                break;
            case "create-topic":
                Lookup.createTopic(options);
                break;
            case "access":
                Access.run(options);
                break;
            default:
                throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private Main() {
    }
}
