package compat;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.parser.ParserConfig;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.alibaba.fastjson.serializer.SimplePropertyPreFilter;
import com.alibaba.fastjson.util.TypeUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Any public method of DefaultMQAdminExt: each line of standard input is {@code {"method": signature, "arguments": […]}},
 * a signature as the "methods" event lists them; the outcome is one "did" line. An argument of type MessageExt is given
 * by the message's id.
 */
public final class EveryCall {
    private final DefaultMQAdminExt admin = new DefaultMQAdminExt(5_000);

    public static void main(String[] arguments) throws Exception {
        EveryCall work = new EveryCall();
        work.admin.setNamesrvAddr(Options.parse(arguments).need("namesrv"));
        work.admin.setInstanceName("EveryCall");
        Events.emit("methods", "methods", signatures());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null && !line.equals("quit"); line = lines.readLine()) {
            JSONObject call = JSON.parseObject(line);
            work.obey(method(call.getString("method")), call.getJSONArray("arguments").toArray());
        }
        System.exit(0);
    }

    private static List<String> signatures() {
        List<String> signatures = new ArrayList<>();
        for (Method method : DefaultMQAdminExt.class.getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers()) && !method.isSynthetic()) {
                signatures.add(signature(method));
            }
        }
        Collections.sort(signatures);
        return signatures;
    }

    private static String signature(Method method) {
        List<String> types = new ArrayList<>();
        for (Class<?> type : method.getParameterTypes()) {
            types.add(type.getSimpleName());
        }
        return method.getName() + "(" + String.join(", ", types) + ")";
    }

    private static Method method(String signature) {
        for (Method method : DefaultMQAdminExt.class.getDeclaredMethods()) {
            if (!method.isSynthetic() && signature(method).equals(signature)) {
                return method;
            }
        }
        throw new IllegalArgumentException("no method " + signature);
    }

    private void obey(Method method, Object[] given) throws Exception {
        try {
            Object result = method.invoke(admin, arguments(method, given));
            Events.emit("did", "code", 0, "result", plain(result));
        } catch (InvocationTargetException wrapped) {
            Throwable problem = wrapped.getCause();
            Events.emit("did", "code", code(problem), "class", problem.getClass().getName(), "error",
                problem.getMessage());
        }
    }

    private Object[] arguments(Method method, Object[] given) throws Exception {
        Object[] converted = new Object[given.length];
        for (int i = 0; i < given.length; i++) {
            converted[i] = argument(method.getParameterTypes()[i], method.getGenericParameterTypes()[i], given[i]);
        }
        return converted;
    }

    private Object argument(Class<?> type, Type generic, Object given) throws Exception {
        if (type == MessageExt.class) {
            return admin.viewMessage((String) given);
        }
        if (type == Properties.class) {
            Properties properties = new Properties();
            properties.putAll((JSONObject) given);
            return properties;
        }
        return TypeUtils.cast(given, generic, ParserConfig.getGlobalInstance());
    }

    /** The members of a result; keys that are objects (queues) become text, a message's hosts are not told twice. */
    private static Object plain(Object result) {
        SimplePropertyPreFilter members = new SimplePropertyPreFilter();
        Collections.addAll(members.getExcludes(), "bornHostBytes", "storeHostBytes");
        return JSON.parse(JSON.toJSONString(result, members, SerializerFeature.WriteNonStringKeyAsString,
            SerializerFeature.MapSortField, SerializerFeature.DisableCircularReferenceDetect));
    }

    private static int code(Throwable problem) {
        if (problem instanceof MQClientException) {
            return ((MQClientException) problem).getResponseCode();
        }
        return problem instanceof MQBrokerException ? ((MQBrokerException) problem).getResponseCode() : -1;
    }
}
