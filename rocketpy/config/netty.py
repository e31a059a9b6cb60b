"""Settings of the remoting server and client; the names are upstream's, though no Netty is here."""

from rocketpy.config.environment import Environment
from rocketpy.config.setting import PORT, SECURITY, Settings, derived, prop
from rocketpy.config.tls import uses_tls

KERNEL = "the kernel sizes socket buffers as the connection needs them"
ONE_LOOP = "one event loop serves every connection"
SEND_BUFFER_PROPERTY = "com.rocketmq.remoting.socket.sndbuf.size"
RECEIVE_BUFFER_PROPERTY = "com.rocketmq.remoting.socket.rcvbuf.size"
BUFFER_SIZE = 65535
BROKER_BUFFER_SIZE = 131072


def _send_buffer(environment: Environment) -> int:
    return environment.number(SEND_BUFFER_PROPERTY, BUFFER_SIZE)


def _receive_buffer(environment: Environment) -> int:
    return environment.number(RECEIVE_BUFFER_PROPERTY, BUFFER_SIZE)


class NettyServerConfig(Settings):
    """The listening side of both programs."""

    listen_port = prop(
        "listenPort",
        8888,
        "port to listen on; a broker also takes the two numbers around it: VIP port (-2) and HA port (+1)",
        low=1,
        high=65535,
        default_text="9876 name server, 10911 broker",
        fixed=PORT,
    )
    server_worker_threads = prop("serverWorkerThreads", 8, "threads that decode and encode", no_effect=ONE_LOOP)
    server_callback_executor_threads = prop(
        "serverCallbackExecutorThreads", 0, "threads of the default executor", no_effect=ONE_LOOP
    )
    server_selector_threads = prop("serverSelectorThreads", 3, "threads that read sockets", no_effect=ONE_LOOP)
    server_oneway_semaphore_value = prop(
        "serverOnewaySemaphoreValue", 256, "one-way requests under way from the server", no_effect=ONE_LOOP
    )
    server_async_semaphore_value = prop(
        "serverAsyncSemaphoreValue", 64, "asynchronous requests under way from the server", no_effect=ONE_LOOP
    )
    server_channel_max_idle_time_seconds = prop(
        "serverChannelMaxIdleTimeSeconds", 120, "seconds after which a silent connection is closed", low=1
    )
    server_socket_snd_buf_size = derived(
        "serverSocketSndBufSize",
        _send_buffer,
        "socket send buffer, bytes",
        java_type="int",
        no_effect=KERNEL,
        default_text="131072",
    )
    server_socket_rcv_buf_size = derived(
        "serverSocketRcvBufSize",
        _receive_buffer,
        "socket receive buffer, bytes",
        java_type="int",
        no_effect=KERNEL,
        default_text="131072",
    )
    server_pooled_byte_buf_allocator_enable = prop(
        "serverPooledByteBufAllocatorEnable", True, "pool of read buffers", no_effect="read buffers are always reused"
    )
    use_epoll_native_selector = prop(
        "useEpollNativeSelector", False, "native epoll", no_effect="the event loop always uses the kernel's epoll"
    )


class NettyClientConfig(Settings):
    """The broker's outgoing connections, to name servers and to clients it asks."""

    client_worker_threads = prop("clientWorkerThreads", 4, "threads that decode and encode", no_effect=ONE_LOOP)
    client_callback_executor_threads = derived(
        "clientCallbackExecutorThreads",
        lambda environment: environment.cores,
        "threads that run callbacks",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="number of cores",
    )
    client_oneway_semaphore_value = derived(
        "clientOnewaySemaphoreValue",
        lambda environment: environment.number("com.rocketmq.remoting.clientOnewaySemaphoreValue", 65535),
        "one-way requests under way",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="65535",
    )
    client_async_semaphore_value = derived(
        "clientAsyncSemaphoreValue",
        lambda environment: environment.number("com.rocketmq.remoting.clientAsyncSemaphoreValue", 65535),
        "asynchronous requests under way",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="65535",
    )
    connect_timeout_millis = prop("connectTimeoutMillis", 3000, "time to connect, ms", low=1)
    channel_not_active_interval = prop(
        "channelNotActiveInterval",
        60000,
        "not used by upstream either",
        java_type="long",
        no_effect="upstream reads it never",
    )
    client_channel_max_idle_time_seconds = prop(
        "clientChannelMaxIdleTimeSeconds",
        120,
        "seconds after which a silent connection is closed",
        no_effect="the broker calls its name servers more often than that",
    )
    client_socket_snd_buf_size = derived(
        "clientSocketSndBufSize",
        _send_buffer,
        "socket send buffer, bytes",
        java_type="int",
        no_effect=KERNEL,
        default_text="131072",
    )
    client_socket_rcv_buf_size = derived(
        "clientSocketRcvBufSize",
        _receive_buffer,
        "socket receive buffer, bytes",
        java_type="int",
        no_effect=KERNEL,
        default_text="131072",
    )
    client_pooled_byte_buf_allocator_enable = prop(
        "clientPooledByteBufAllocatorEnable", False, "pool of read buffers", no_effect="read buffers are always reused"
    )
    client_close_socket_if_timeout = prop(
        "clientCloseSocketIfTimeout",
        False,
        "close the connection of a request that timed out",
        no_effect="a late answer is dropped, a broken connection made anew",
    )
    use_tls = derived(
        "useTLS",
        uses_tls,
        "speak TLS to name servers",
        java_type="boolean",
        default_text="`-Dtls.enable`, else whether `tls.server.mode` is enforcing",
        fixed=SECURITY,
    )
