// One step of a decoder: some rows, each a token at a position of its own sequence, go through all layers at once.
//
// Rows never mix: a row comes out bit for bit the same whatever stands beside it, and whether a text is read in one
// step or in many. Within a step the rows of one sequence see those before them.
#include <memory>

#include "pool.h"
#include "wide_attention.h"

namespace alen {

struct Layer {
    Matrix qkv, o, gate_up, down;
    const float *attention_norm = nullptr, *ffn_norm = nullptr;
};

struct Row {
    const int32_t* pages;
    int32_t position, token, wanted;
};

struct Shape {
    int32_t layers, width, heads, kv_heads, head_width, inner, words, vocabulary, threads;
    float eps;
};

struct Summary {
    int32_t best;
    float log_total;
};

struct Model {
    Shape shape;
    std::vector<Layer> layers;
    Matrix head, embedding;
    const float *norm = nullptr, *cos = nullptr, *sin = nullptr;
    Pages pages{};
    Pool pool;
    Room<float> store_f;
    Room<int8_t> store_q;
    Room<int32_t> store_i;
    std::vector<Room<float>> scores;
    Room<uint16_t> store_w;
    std::vector<Room<uint16_t>> scratch;
    std::vector<WideRoom> rooms;
    int room = 0;
    bool wide = false;  // this step multiplies on the matrix units
    float *state = nullptr, *qkv = nullptr;
    Activations normed, attended, inner;

    explicit Model(const Shape& s)
        : shape(s), layers(s.layers), pool(s.threads), scores(s.threads), scratch(s.threads), rooms(s.threads) {}

    int qkv_width() const { return (shape.heads + 2 * shape.kv_heads) * shape.head_width; }

    void make_room(int rows) {
        if (rows <= room) return;
        room = rows;
        const int D = shape.width, A = shape.heads * shape.head_width, F_ = shape.inner;
        const long floats = (long)rows * (2L * D + qkv_width() + A + F_ + 2L * (D + A + F_) / GROUP) + 6 * LANES;
        store_f.assign(floats, 0.0f);
        store_q.assign((long)rows * (D + A + F_), 0);
        store_i.assign((long)rows * (D + A + F_) / GROUP, 0);
        const long tiled = (rows + 2 * LANES - 1) / (2 * LANES) * (2 * LANES);
        store_w.assign(tiles_allowed() ? tiled * (D + A + F_) : 0, 0);
        uint16_t* b = store_w.data();
        float* f = store_f.data();
        int8_t* q = store_q.data();
        int32_t* w = store_i.data();
        auto take = [&](long count) {
            count = (count + LANES - 1) / LANES * LANES;
            return (f += count) - count;
        };
        state = take((long)rows * D);
        qkv = take((long)rows * qkv_width());
        for (auto [part, inputs] : {std::pair<Activations*, int>{&normed, D}, {&attended, A}, {&inner, F_}}) {
            const long groups = (long)rows * (inputs / GROUP);
            part->inputs = inputs;
            part->numbers = take((long)rows * inputs);
            part->scales = take(groups);
            part->sums = take(groups);
            part->quantised = q;
            part->whole = w;
            part->wide = b;
            b += tiled * inputs;
            q += (long)rows * inputs;
            w += groups;
        }
    }
};

// A group of activations as the products of this step read it.
static void ready(const Model& m, const Activations& x, int row, int group) {
    if (m.wide)
        widen(x, row, group);
    else
        x.quantise(row, group);
}

// out(row, block, sixteen outputs) for all rows and the given blocks.
template <class Out>
static void product(Model& m, const Matrix& w, const Activations& x, int first, int last, int count, int thread,
                    const Out& out) {
#ifdef ALEN_TILES
    if (m.wide) {
        Room<uint16_t>& scratch = m.scratch[thread];
        if ((long)scratch.size() < 2L * w.inputs * LANES) scratch.resize(2L * w.inputs * LANES);
        for (int block = first; block < last; block += 2)
            multiply_wide(w, block, last - block > 1 ? 2 : 1, x.wide, count, scratch.data(), out);
        return;
    }
#endif
    for (int block = first; block < last; block++)
        multiply(w, block, x, 0, count, [&](int row, F found) { out(row, block, found); });
}

static void add_product(Model& m, const Matrix& w, const Activations& x, int count, int thread) {
    const int width = m.shape.width;
    const Share share(width / LANES, 1, thread, m.shape.threads);
    product(m, w, x, share.first, share.last, count, thread, [&](int row, int block, F found) {
        float* at = m.state + (long)row * width + block * LANES;
        store(at, load(at) + found);
    });
}

// x scaled to a root mean square of one, times a weight a feature (Zhang and Sennrich, 2019).
static void normalise(const Model& m, const float* weight, int row, int to) {
    const int width = m.shape.width;
    const float* x = m.state + (long)row * width;
    F squares = zero();
    for (int i = 0; i < width; i += LANES) squares = fma(load(x + i), load(x + i), squares);
    const F scale = all(1.0f / std::sqrt(sum(squares) / width + m.shape.eps));
    float* out = m.normed.numbers + (long)to * width;
    for (int i = 0; i < width; i += LANES) store(out + i, load(x + i) * scale * load(weight + i));
}

static void normalise_rows(const Model& m, const float* weight, int count, int thread) {
    const Share own(count, 1, thread, m.shape.threads);
    for (int row = own.first; row < own.last; row++) {
        normalise(m, weight, row, row);
        for (int group = 0; group < m.normed.groups(); group++) ready(m, m.normed, row, group);
    }
}

// Feature i turns with feature i + width / 2 (Su et al., 2021).
static void rotate(const Model& m, float* x, int position, float factor) {
    const int half_width = m.shape.head_width / 2;
    const float *cos = m.cos + (long)position * half_width, *sin = m.sin + (long)position * half_width;
    for (int i = 0; i < half_width; i += LANES) {
        const F a = load(x + i), b = load(x + i + half_width), c = load(cos + i), s = load(sin + i), f = all(factor);
        store(x + i, (a * c - b * s) * f);
        store(x + i + half_width, (b * c + a * s) * f);
    }
}

// How many rows from ``first`` on, at most ``most``, stand one after another in one text.
static int run_of(const Row* rows, int first, int count, int most) {
    int size = 1;
    while (size < most && first + size < count && rows[first + size].pages == rows[first].pages &&
           rows[first + size].position == rows[first].position + size)
        size++;
    return size;
}

static void write_keys(Model& m, int number, const Row* rows, int count, int thread) {
    const Shape& s = m.shape;
    const int E = s.head_width;
    for (int unit = thread; unit < count * s.kv_heads; unit += s.threads) {
        const int row = unit / s.kv_heads, head = unit % s.kv_heads, position = rows[row].position;
        float* key = m.qkv + (long)row * m.qkv_width() + (s.heads + head) * E;
        rotate(m, key, position, 1.0f);
        m.pages.write(rows[row].pages[position / PAGE], number, head, position % PAGE, key, key + s.kv_heads * E);
    }
}

static void ready_head(const Model& m, int row, int head) {
    const int E = m.shape.head_width;
    for (int group = head * E / GROUP; group < (head + 1) * E / GROUP; group++) ready(m, m.attended, row, group);
}

// Units are runs of rows of one text, which share their keys, by query head.
static void narrow_attention(Model& m, int number, const Row* rows, int count, int thread) {
    const Shape& s = m.shape;
    const int E = s.head_width, per_kv = s.heads / s.kv_heads;
    Room<float>& scores = m.scores[thread];
    int unit = 0;
    for (int first = 0, size; first < count; first += size) {
        size = run_of(rows, first, count, QUERIES);
        if (size == 3) size = 2;
        for (int head = 0; head < s.heads; head++, unit++) {
            if (unit % s.threads != thread) continue;
            const int position = rows[first].position;
            const long room = (position + size + 2 * PAGE) / PAGE * PAGE;
            if ((long)scores.size() < room * QUERIES) scores.resize(room * QUERIES);
            float* query = m.qkv + (long)first * m.qkv_width() + head * E;
            float* out = m.attended.numbers + ((long)first * s.heads + head) * E;
            for (int r = 0; r < size; r++)
                rotate(m, query + (long)r * m.qkv_width(), position + r, 1.0f / std::sqrt((float)E));
            const auto& attended = size == QUERIES ? attend<QUERIES> : size == 2 ? attend<2> : attend<1>;
            attended(m.pages, rows[first].pages, number, head / per_kv, position, query, m.qkv_width(), scores.data(),
                     room, out, (long)s.heads * E);
            for (int r = 0; r < size; r++) ready_head(m, first + r, head);
        }
    }
}

#ifdef ALEN_TILES

// Units are runs of rows of one text by head of keys.
static void wide_attention(Model& m, int number, const Row* rows, int count, int thread) {
    const Shape& s = m.shape;
    const int E = s.head_width, per_kv = s.heads / s.kv_heads;
    WideRoom& room = m.rooms[thread];
    int unit = 0;
    for (int first = 0, size; first < count; first += size) {
        size = run_of(rows, first, count, WIDE_QUERIES);
        for (int kv_head = 0; kv_head < s.kv_heads; kv_head++, unit++) {
            if (unit % s.threads != thread) continue;
            const int position = rows[first].position;
            room.fit(per_kv, E);
            for (int head = 0; head < per_kv; head++)
                for (int r = 0; r < size; r++) {
                    float* query = m.qkv + (long)(first + r) * m.qkv_width() + (kv_head * per_kv + head) * E;
                    rotate(m, query, position + r, 1.0f / std::sqrt((float)E));
                    widen_row(query, E, room.queries.data() + ((long)head * WIDE_QUERIES + r) * E);
                }
            attend_wide(m.pages, rows[first].pages, number, kv_head, position, size, per_kv, room);
            for (int head = 0; head < per_kv; head++)
                for (int r = 0; r < size; r++) {
                    const int query_head = kv_head * per_kv + head;
                    memcpy(m.attended.numbers + ((long)(first + r) * s.heads + query_head) * E,
                           room.out.data() + ((long)head * WIDE_QUERIES + r) * E, E * sizeof(float));
                    ready_head(m, first + r, query_head);
                }
        }
    }
}

#endif

static void attention_part(Model& m, int number, const Row* rows, int count, int thread) {
    write_keys(m, number, rows, count, thread);
    m.pool.barrier();
#ifdef ALEN_TILES
    if (m.wide) return wide_attention(m, number, rows, count, thread);
#endif
    narrow_attention(m, number, rows, count, thread);
}

static void layer_part(Model& m, int number, const Row* rows, int count, int thread) {
    const Shape& s = m.shape;
    const Layer& layer = m.layers[number];
    normalise_rows(m, layer.attention_norm, count, thread);
    m.pool.barrier();
    const Share columns(m.qkv_width() / LANES, 1, thread, s.threads);
    product(m, layer.qkv, m.normed, columns.first, columns.last, count, thread, [&](int row, int block, F found) {
        store(m.qkv + (long)row * m.qkv_width() + block * LANES, found);
    });
    m.pool.barrier();
    attention_part(m, number, rows, count, thread);
    m.pool.barrier();
    add_product(m, layer.o, m.attended, count, thread);
    m.pool.barrier();
    normalise_rows(m, layer.ffn_norm, count, thread);
    m.pool.barrier();
    // Gates and ups take turns, block by block: two of each make a group of the inner activations.
    const Share groups(s.inner / GROUP, 1, thread, s.threads);
    for (int group = groups.first; group < groups.last; group++) {
        product(m, layer.gate_up, m.normed, 4 * group, 4 * group + 4, count, thread, [&](int row, int block, F found) {
            float* at = m.inner.numbers + (long)row * s.inner + block / 2 * LANES;
            store(at, block % 2 ? load(at) * found : silu(found));
        });
        for (int row = 0; row < count; row++) ready(m, m.inner, row, group);
    }
    m.pool.barrier();
    add_product(m, layer.down, m.inner, count, thread);
    m.pool.barrier();
}

// Words that only fill a block up must never be said.
static F filled_up(F found, const Shape& s, int block) {
    float values[LANES];
    store(values, found);
    for (int i = 0; i < LANES; i++)
        if (block * LANES + i >= s.vocabulary) values[i] = -INFINITY;
    return load(values);
}

// The likeliest word, the first of equals, and the logarithm of the sum of all odds.
static void summarise(const float* logits, int words, Summary* out) {
    F most = all(-INFINITY);
    for (int i = 0; i < words; i += LANES) most = larger(most, load(logits + i));
    const float top = largest(most);
    int best = 0;
    while (best + 1 < words && logits[best] != top) best++;
    F total = zero();
    for (int i = 0; i < words; i += LANES) total = total + exponential(load(logits + i) - all(top));
    out->best = best;
    out->log_total = top + std::log(sum(total));
}

static void step(Model& m, const Row* rows, int count, bool wide, float* hidden, float* logits, Summary* summaries) {
    const Shape& s = m.shape;
    m.make_room(count);
    m.wide = wide && tiles_allowed();
    std::vector<int> wanted;
    for (int row = 0; row < count; row++)
        if (rows[row].wanted >= 0) wanted.push_back(row);
    m.pool.run([&](int thread) {
        std::unique_ptr<TileUse> tiles(m.wide ? new TileUse : nullptr);
        const Share own(count, 1, thread, s.threads);
        for (int row = own.first; row < own.last; row++)
            unpack_row(m.embedding, rows[row].token, m.state + (long)row * s.width);
        for (int number = 0; number < s.layers; number++) layer_part(m, number, rows, count, thread);
        // What is wanted is put together, so that the head is read once for all of it.
        for (int i = thread; i < (int)wanted.size(); i += s.threads) {
            normalise(m, m.norm, wanted[i], i);
            for (int group = 0; group < m.normed.groups(); group++) m.normed.quantise(i, group);
            if (hidden)
                memcpy(hidden + (long)rows[wanted[i]].wanted * s.width, m.normed.numbers + (long)i * s.width,
                       s.width * sizeof(float));
        }
        m.pool.barrier();
        if (!logits || wanted.empty()) return;
        const Share words(s.words / LANES, 1, thread, s.threads);
        for (int block = words.first; block < words.last; block++)
            multiply(m.head, block, m.normed, 0, (int)wanted.size(), [&](int i, F found) {
                const long at = (long)rows[wanted[i]].wanted * s.words + block * LANES;
                store(logits + at, block * LANES + LANES > s.vocabulary ? filled_up(found, s, block) : found);
            });
        if (!summaries) return;
        m.pool.barrier();
        for (int i = thread; i < (int)wanted.size(); i += s.threads) {
            const int to = rows[wanted[i]].wanted;
            summarise(logits + (long)to * s.words, s.words, summaries + to);
        }
    });
}

}  // namespace alen

extern "C" {

alen::Model* alen_new(const alen::Shape* shape) { return new alen::Model(*shape); }
void alen_free(alen::Model* m) { delete m; }

// which: 0 qkv, 1 o, 2 gate and up, 3 down, 4 head, 5 embedding
void alen_matrix(alen::Model* m, int layer, int which, int kind, int outputs, int inputs, const uint8_t* data,
                 const float* bias) {
    alen::Matrix made;
    made.kind = kind, made.outputs = outputs, made.inputs = inputs, made.data = data, made.bias = bias;
    if (which == 4)
        m->head = made;
    else if (which == 5)
        m->embedding = made;
    else {
        alen::Layer& l = m->layers[layer];
        (which == 0 ? l.qkv : which == 1 ? l.o : which == 2 ? l.gate_up : l.down) = made;
    }
}

// which: 0 before attention, 1 before the feed-forward, 2 the last norm, 3 cosines, 4 sines
void alen_table(alen::Model* m, int layer, int which, const float* data) {
    if (which == 0)
        m->layers[layer].attention_norm = data;
    else if (which == 1)
        m->layers[layer].ffn_norm = data;
    else
        (which == 2 ? m->norm : which == 3 ? m->cos : m->sin) = data;
}

void alen_pages(alen::Model* m, uint16_t* memory) {
    m->pages = {memory, m->shape.layers, m->shape.kv_heads, m->shape.head_width};
}

// hidden [wanted x width], logits [wanted x words] and summaries [wanted] may be null; a summary needs logits.
void alen_step(alen::Model* m, const alen::Row* rows, int count, int wide, float* hidden, float* logits,
               alen::Summary* summaries) {
    alen::step(*m, rows, count, wide, hidden, logits, summaries);
}
}
