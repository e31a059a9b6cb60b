package compat;

import java.util.HashMap;
import java.util.Map;

/** The key=value words of one command line. */
final class Options {
    private final Map<String, String> values = new HashMap<>();

    static Options parse(String[] arguments) {
        Options options = new Options();
        for (int i = 1; i < arguments.length; i++) {
            int at = arguments[i].indexOf('=');
            options.values.put(arguments[i].substring(0, at), arguments[i].substring(at + 1));
        }
        return options;
    }

    String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    String need(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(key + "=… is missing");
        }
        return value;
    }

    int number(String key, int otherwise) {
        return values.containsKey(key) ? Integer.parseInt(values.get(key)) : otherwise;
    }

    long big(String key, long otherwise) {
        return values.containsKey(key) ? Long.parseLong(values.get(key)) : otherwise;
    }

    boolean flag(String key) {
        return Boolean.parseBoolean(values.get(key));
    }
}
