"""The only room with message files: commit log, queues, index, their flush, recovery and cleaning."""
