"""Key values, write permissions and settings of name servers on a running cluster."""

import pytest


def test_a_key_value_is_written_and_deleted(mqadmin):
    found = mqadmin("updateKvConfig", "-s", "ORDER_TOPIC_CONFIG", "-k", "KvTopic", "-v", "a:1")
    assert (found.code, found.out) == (0, "create or update kv config to namespace success.\n")
    assert mqadmin("updateOrderConf", "-t", "KvTopic", "-m", "get", "--json").rows[0]["orderConf"] == "a:1"
    found = mqadmin("deleteKvConfig", "-s", "ORDER_TOPIC_CONFIG", "-k", "KvTopic")
    assert (found.code, found.out) == (0, "delete kv config from namespace success.\n")
    assert mqadmin("updateOrderConf", "-t", "KvTopic", "-m", "get").code == 1


def test_every_name_server_is_written_to(mqadmin, cluster):
    found = mqadmin("updateKvConfig", "-s", "n", "-k", "k", "-v", "v", "-n", f"127.0.0.1:1;{cluster.namesrv_addr}")
    assert (found.code, found.out) == (1, "")
    assert "name server 127.0.0.1:1 cannot be reached" in found.err


def test_a_write_permission_is_wiped(mqadmin, cluster):
    cluster.create_topic("Wiped")
    found = mqadmin("wipeWritePerm", "-b", "nosuch")
    assert found.out == f"wipe write perm of broker[nosuch] in name server[{cluster.namesrv_addr}] OK, 0\n"
    found = mqadmin("wipeWritePerm", "-b", "quickstart", "--json").rows
    assert found[0]["nameServer"] == cluster.namesrv_addr
    assert found[0]["wipeTopicCount"] > 0
    (route,) = mqadmin("topicRoute", "-t", "Wiped", "--json").rows
    assert route["queueDatas"][0]["perm"] == 4
    lost = mqadmin("wipeWritePerm", "-b", "x", "-n", "127.0.0.1:1")
    assert (lost.code, lost.out) == (1, "wipe write perm of broker[x] in name server[127.0.0.1:1] Failed\n")


def test_settings_of_name_servers(mqadmin, cluster):
    found = mqadmin("getNamesrvConfig")
    assert found.lines[0] == f"============{cluster.namesrv_addr}============"
    assert f"{'productEnvName':50}=  center" in found.lines
    (row,) = mqadmin("getNamesrvConfig", "--json").rows
    assert row["config"]["productEnvName"] == "center"


@pytest.mark.parametrize("named", [True, False])
def test_a_setting_is_changed(mqadmin, cluster, monkeypatch, named, tmp_path):
    words = ("updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "true" if named else "false")
    if not named:
        monkeypatch.setenv("NAMESRV_ADDR", cluster.namesrv_addr)
    found = mqadmin(*words) if named else mqadmin.bare(*words)
    asked = f"[{cluster.namesrv_addr}]" if named else ""
    value = words[-1]
    assert (found.code, found.out) == (0, f"update name server config success!{asked}\norderMessageEnable : {value}\n")
    note = f"{cluster.namesrv_addr}: in force until the server stops: no file keeps its settings"
    assert found.err == f"mqadmin: updateNamesrvConfig: {note}\n"
    assert f"{'orderMessageEnable':50}=  {value}" in mqadmin("getNamesrvConfig").lines


def test_a_setting_where_a_name_server_is_away(mqadmin, cluster):
    words = ("updateNamesrvConfig", "-k", "orderMessageEnable", "-v", "false")
    found = mqadmin(*words, "-n", f"{cluster.namesrv_addr};127.0.0.1:1")
    assert (found.code, found.out) == (1, "")
    assert "name server 127.0.0.1:1 cannot be reached" in found.err
