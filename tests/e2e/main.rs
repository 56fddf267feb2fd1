//! End-to-end tests: real Kafka, real registry, real daemons. Run by `make test`.

mod fan_out_to_neighbours;
