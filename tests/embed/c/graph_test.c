/* Models that are graphs: what they say about their nodes, about parts of a row, and when rows come. */
#include "check.h"

static void nodes(const pylstm_model *heads, const models *m) {
    static const char *const names[4] = {"conv", "words", "speech", "rows"}, *const kinds[4] = {"conv", "dense", "dense", "concat"};
    static const int channels[4] = {6, 4, 1, 5};
    pylstm_node_info node;
    CHECK(pylstm_model_n_nodes(heads) == 4 && pylstm_model_n_nodes(m->bare) == 0 && pylstm_model_n_nodes(NULL) == 0);
    for (int k = 0; k < 4; k++) {
        GIVES(PYLSTM_OK, pylstm_model_node(heads, k, &node));
        CHECK(strcmp(node.name, names[k]) == 0 && strcmp(node.kind, kinds[k]) == 0);
        CHECK(node.positions == 1 && node.channels == channels[k]);
        /* Every second frame, from a window that begins with the first and waits for one more than it stands for. */
        CHECK(node.first == 1 && node.period == 2 && node.look == 1);
    }
    GIVES(PYLSTM_OK, pylstm_model_node(m->words, 0, &node));
    CHECK(strcmp(node.name, "0") == 0 && strcmp(node.kind, "lstm") == 0 && node.state_size > 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_node(heads, 4, &node));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_node(heads, -1, &node));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_node(heads, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_node(NULL, 0, &node));
}

static void parts(const pylstm_model *heads, const models *m) {
    pylstm_output_part part;
    CHECK(pylstm_model_n_output_parts(heads) == 2 && pylstm_model_n_output_parts(NULL) == 0);
    GIVES(PYLSTM_OK, pylstm_model_output_part(heads, 0, &part));
    CHECK(strcmp(part.name, "words") == 0 && part.start == 0 && part.size == 4);
    GIVES(PYLSTM_OK, pylstm_model_output_part(heads, 1, &part));
    CHECK(strcmp(part.name, "speech") == 0 && part.start == 4 && part.size == 1);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_output_part(heads, 2, &part));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_output_part(heads, -1, &part));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_output_part(NULL, 0, &part));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_output_part(heads, 0, NULL));
    /* Where nothing is joined, a row is one part; without layers it is what the features give. */
    CHECK(pylstm_model_n_output_parts(m->words) == 1 && pylstm_model_n_output_parts(m->bare) == 1);
    GIVES(PYLSTM_OK, pylstm_model_output_part(m->words, 0, &part));
    CHECK(strcmp(part.name, "1") == 0 && part.start == 0 && part.size == 3);
    GIVES(PYLSTM_OK, pylstm_model_output_part(m->bare, 0, &part));
    CHECK(strcmp(part.name, "features") == 0 && part.start == 0 && part.size == 20);
}

/* Row k comes with the sample that first_sample, hop_length and latency name, and with the frame that the node names. */
static void rows_come_when_they_are_due(const pylstm_model *heads) {
    const int64_t hop = pylstm_model_hop_length(heads), first = pylstm_model_first_sample(heads);
    const int64_t due = first + 3 * hop + pylstm_model_latency(heads);
    static float pcm[SECOND], frames[9 * 20], out[9 * 5];
    static int16_t pcm16[SECOND];
    pylstm_stream *stream;
    int64_t promised;
    size_t rows;
    fill_audio(pcm, pcm16, SECOND);
    CHECK(hop == 320 && first == 160 && due > 0 && due < SECOND);
    GIVES(PYLSTM_OK, pylstm_stream_create(heads, &stream));
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, pcm, (size_t)due - 1, 0, out, 9, &rows));
    CHECK(rows == 3);
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, pcm + due - 1, 1, 0, out, 9, &rows));
    CHECK(rows == 1);
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    for (int n = 0; n < 9; n++) {
        GIVES(PYLSTM_OK, pylstm_stream_frame_rows_due(stream, 1, 0, &promised));
        CHECK(promised == (n >= 2 && n % 2 == 0));
        GIVES(PYLSTM_OK, pylstm_stream_push_frames(stream, frames, 1, 0, out, 9, &rows));
        CHECK((int64_t)rows == promised);
    }
    GIVES(PYLSTM_OK, pylstm_stream_frame_rows_due(stream, 1, 1, &promised)); /* a tenth frame, and a zero behind it */
    CHECK(promised == 1);
    GIVES(PYLSTM_WRONG_INPUT, pylstm_stream_rows_due(stream, 1, 0, &promised));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_frame_rows_due(NULL, 1, 0, &promised));
    pylstm_stream_destroy(stream);
}

void test_graphs(const models *m, const char *folder) {
    file heads_file = read_file(folder, "heads");
    pylstm_model *heads;
    pylstm_error why;
    const pylstm_status status = pylstm_model_create(heads_file.bytes, heads_file.size, &heads, &why);
    free(heads_file.bytes);
    CHECK(pylstm_model_first_sample(m->words) == 0 && pylstm_model_first_sample(m->frames) == 0);
    CHECK(pylstm_model_first_sample(NULL) == 0);
    if (status == PYLSTM_NOT_BUILT) /* a build without such kinds */
        return;
    CHECK(status == PYLSTM_OK);
    nodes(heads, m);
    parts(heads, m);
    rows_come_when_they_are_due(heads);
    pylstm_model_destroy(heads);
}
