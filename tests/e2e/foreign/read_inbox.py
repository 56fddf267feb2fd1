"""Prints inboxes of states, one after the other, as one JSON object per line, with Confluent's own client and decoder.

It is what an analyst would write who has never seen Sanchar's code: the schema comes from the registry, by the id
that each record carries. Values that JSON lacks are written as the contract's JSON writes them: digests in
hexadecimal, moments in milliseconds since 1970.

usage: read_inbox.py BROKER REGISTRY_URL TOPIC...
"""

import datetime
import json
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    raise TypeError(f"no JSON for {type(value)}")


def main(broker, registry_url, *topics):
    decode = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))
    consumer = Consumer({
        "bootstrap.servers": broker,
        "group.id": "unused",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    })
    for topic in topics:
        read(consumer, decode, topic)


def read(consumer, decode, topic):
    consumer.assign([TopicPartition(topic, 0, 0)])
    while True:
        message = consumer.poll(10)
        if message is None:
            sys.exit(f"{topic} could not be read to its end")
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                return
            sys.exit(str(message.error()))
        value = decode(message.value(), SerializationContext(topic, MessageField.VALUE))
        headers = {name: text.decode() for name, text in message.headers()}
        line = {"topic": topic, "key": message.key().decode(), "headers": headers, "value": value}
        print(json.dumps(line, default=plain))


main(*sys.argv[1:])
