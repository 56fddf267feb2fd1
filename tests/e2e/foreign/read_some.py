"""Reads so many records of a topic as a member of a group and commits the offset after the last of them, then leaves.

usage: read_some.py BROKER GROUP TOPIC RECORDS
"""

import sys

from confluent_kafka import Consumer


def main(broker, group, topic, records):
    consumer = Consumer({
        "bootstrap.servers": broker,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
    })
    consumer.subscribe([topic])
    for _ in range(int(records)):
        message = consumer.poll(60)
        if message is None or message.error():
            sys.exit(f"{topic} has fewer than {records} records: {message and message.error()}")
    consumer.commit(message=message, asynchronous=False)
    consumer.close()
    print(message.offset())


main(*sys.argv[1:])
