# What serving a request needs, reachable without the GIL, and a request on its way.

from libc.stdint cimport int32_t, int64_t, uint64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.lane_rows cimport PullRow, SendRow
from rocketpy._core.replies cimport SendWords
from rocketpy._core.requests cimport PullRequest, SendRequest
from rocketpy._core.row_table cimport RowTable
from rocketpy._core.store_reader cimport Found, TagFilter
from rocketpy._core.store_writer cimport StoreState
from rocketpy._core.traffic cimport Count

cdef enum:                       # how far a request came without the GIL
    NOT_MINE = 0
    SERVED = 1
    NEEDS_ROW = 2
    NEEDS_QUEUE = 3
    NEEDS_SPACE = 4
    NEEDS_HOLD = 5

cdef struct Desk:                # what serving needs, reachable without the GIL
    StoreState* store
    RowTable* sends
    RowTable* pulls
    PullRow** pending
    SendWords words
    char[8] store_host
    char* properties             # scratch: unescaped properties
    char* delayed_properties     # scratch: those of a delayed message, or of a half one
    MessageToPut* messages       # scratch: a batch
    char* message_ids            # scratch: a batch's ids, joined by commas
    int32_t* codes               # scratch: tag codes that a pull brings itself
    QueueState* delay_queues[64] # of SCHEDULE_TOPIC_XXXX by queue id; NULL where the queue was not looked up yet
    uint64_t delayed             # bit n: queue n of SCHEDULE_TOPIC_XXXX got messages in this turn
    QueueState* half_queue       # of RMQ_SYS_TRANS_HALF_TOPIC and of RMQ_SYS_TRANS_OP_HALF_TOPIC; NULL: not looked up yet
    QueueState* op_queue
    Count* halves                # half and delayed messages count for the topic they wait in, not for the sender's
    Count* delays
    int64_t turn_sends           # answered in this turn
    int64_t turn_gated           # stored in this turn and answered when they are on disk
    int64_t turn_pulls           # answered in this turn

cdef struct Send:                # one send on its way
    SendRequest request
    SendRow* row
    QueueState** queue           # the place of the queue it goes to, which may be NULL yet
    MessageToPut message
    int count                    # messages of a batch
    int level                    # delay level, 0: none
    bint half                    # a transaction's half message

cdef struct Pull:                # one pull on its way
    PullRequest request
    PullRow* row
    TagFilter tags
    Found found

cdef enum:
    PROPERTIES_ROOM = 65536      # twice what a record can hold; longer ones are the full lane's to refuse
    BATCH_ROOM = 512             # messages of one batch; larger ones take the full lane
    ID_SIZE = 32
    TAGS_ROOM = 64               # tags of one pull's own expression
