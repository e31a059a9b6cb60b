"""Settings of the name server."""

from rocketpy.config.environment import Environment
from rocketpy.config.setting import PATH, PORT, SECURITY, Settings, derived, prop


def rocketmq_home(environment: Environment) -> str | None:
    """Where the release is unpacked, None when nobody says."""
    return environment.lookup("rocketmq.home.dir", "ROCKETMQ_HOME")


def metrics_port_setting() -> int:
    """The row of both programs' metricsPort."""
    meaning = "port of the metrics endpoint, 0 is none: docs/operating/metrics.md; not in upstream"
    return prop("metricsPort", 0, meaning, high=65535, fixed=PORT)


def metrics_bind_address_setting() -> str:
    """The row of both programs' metricsBindAddress."""
    meaning = "address the metrics endpoint listens on, without authentication; not in upstream"
    return prop("metricsBindAddress", "127.0.0.1", meaning, fixed=SECURITY)


class NamesrvConfig(Settings):
    """What a name server keeps and serves."""

    rocketmq_home = derived(
        "rocketmqHome", rocketmq_home, "folder of the release", default_text="$ROCKETMQ_HOME", fixed=PATH
    )
    kv_config_path = derived(
        "kvConfigPath",
        lambda environment: f"{environment.home}/namesrv/kvConfig.json",
        "file of the KV configuration",
        default_text="~/namesrv/kvConfig.json",
        fixed=PATH,
    )
    config_store_path = derived(
        "configStorePath",
        lambda environment: f"{environment.home}/namesrv/namesrv.properties",
        "file that a remote update writes; the -c file when one is given",
        default_text="~/namesrv/namesrv.properties",
        fixed=PATH,
    )
    product_env_name = prop("productEnvName", "center", "name of the environment that cluster test asks")
    cluster_test = prop("clusterTest", False, "ask another environment for unknown routes")
    acl_strict_admin = prop(
        "aclStrictAdmin", False, "ask for an admin's signature on every admin code: docs/acl.md; not in upstream",
        fixed=SECURITY,
    )
    metrics_port = metrics_port_setting()
    metrics_bind_address = metrics_bind_address_setting()
    order_message_enable = prop("orderMessageEnable", False, "put orderTopicConf into routes", hot=True)
