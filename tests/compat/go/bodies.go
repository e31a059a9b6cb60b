package main

import (
	"fmt"
	"hash/crc32"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// makeBody gives the same bytes as the Java program: the index, then filler that does not compress away.
func makeBody(index, size int) []byte {
	head := []byte(fmt.Sprintf("%d:", index))
	if size < len(head) {
		size = len(head)
	}
	body := make([]byte, size)
	for i := range body {
		body[i] = byte((uint64(i)*2654435761 + uint64(index)*40503) >> 13)
	}
	copy(body, head)
	return body
}

func bodyIndex(body []byte) int {
	value := 0
	for _, b := range body {
		if b < '0' || b > '9' {
			break
		}
		value = value*10 + int(b-'0')
	}
	return value
}

func described(message *primitive.MessageExt) event {
	members := event{
		"index": bodyIndex(message.Body), "size": len(message.Body), "crc": crc32.ChecksumIEEE(message.Body),
		"topic": message.Topic, "tags": message.GetTags(), "keys": message.GetKeys(), "msg_id": message.MsgId,
		"offset_msg_id": message.OffsetMsgId, "queue_offset": message.QueueOffset,
		"reconsume_times": message.ReconsumeTimes, "store_host": message.StoreHost,
		"store_timestamp": message.StoreTimestamp, "born_timestamp": message.BornTimestamp,
		"owner": message.GetProperty("owner"),
	}
	if message.Queue != nil {
		members["broker"] = message.Queue.BrokerName
		members["queue_id"] = message.Queue.QueueId
	}
	return members
}
