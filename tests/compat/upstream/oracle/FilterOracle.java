import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.broker.filter.MessageEvaluationContext;
import org.apache.rocketmq.common.filter.ExpressionType;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.Expression;

/**
 * Compiles and evaluates SQL92 expressions with upstream's classes. A line in: expression, then any number of property
 * texts, between tabs; a line out: an outcome for each text, between tabs. What is not printable ASCII is written as
 * four hexadecimal digits behind a backslash.
 */
public final class FilterOracle {
    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, "US-ASCII");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split("\t", -1);
            out.println(outcomes(fields));
        }
        out.flush();
    }

    private static String outcomes(String[] fields) {
        Expression expression;
        try {
            expression = FilterFactory.INSTANCE.get(ExpressionType.SQL92).compile(decode(fields[0]));
        } catch (Exception refusal) {
            return "COMPILE_ERROR " + encode(String.valueOf(refusal.getMessage()));
        }
        StringBuilder answer = new StringBuilder();
        for (int i = 1; i < fields.length; i++) {
            answer.append(i > 1 ? "\t" : "").append(outcome(expression, decode(fields[i])));
        }
        return answer.toString();
    }

    private static String outcome(Expression expression, String properties) {
        try {
            return String.valueOf(
                expression.evaluate(new MessageEvaluationContext(MessageDecoder.string2messageProperties(properties))));
        } catch (Exception failure) {
            return "EVAL_ERROR " + failure.getClass().getSimpleName();
        }
    }

    private static String decode(String field) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\') {
                c = (char) Integer.parseInt(field.substring(i + 1, i + 5), 16);
                i += 4;
            }
            text.append(c);
        }
        return text.toString();
    }

    private static String encode(String text) {
        StringBuilder field = new StringBuilder();
        for (char c : text.toCharArray()) {
            field.append(c < ' ' || c > '~' || c == '\\' ? String.format("\\%04x", (int) c) : String.valueOf(c));
        }
        return field.toString();
    }
}
