"""Queue locks of orderly consumers."""

import json

QUEUES = [{"brokerName": "broker-a", "queueId": number, "topic": "T"} for number in range(2)]


def body(client_id, queues=QUEUES):
    return json.dumps({"consumerGroup": "CG", "clientId": client_id, "mqSet": queues}).encode()


def held(answer):
    return sorted(queue["queueId"] for queue in json.loads(answer.body)["lockOKMQSet"])


def test_one_holder_a_queue(ask):
    assert held(ask(41, body=body("c1", QUEUES[:1]))) == [0]
    assert held(ask(41, body=body("c2"))) == [1]
    assert ask(42, body=body("c2")).code == 0  # releases its own only
    assert held(ask(41, body=body("c1"))) == [0, 1]
