// Attention of prompts on the matrix units: a page of keys and values is widened once for 32 queries of all heads that
// share it, and the softmax goes on from page to page (Milakov and Gimelshein, 2018). A query passes the pages in order,
// whichever stand beside it, and one behind its own position changes nothing.
#pragma once
#include <vector>

#include "attention.h"
#include "tiles.h"

namespace alen {

constexpr int WIDE_QUERIES = 2 * LANES;

#ifdef ALEN_TILES

// Of one thread: everything that one head of keys and its queries need.
struct WideRoom {
    Room<uint16_t> keys, values, queries, shares;
    Room<float> scores, out, most, total;

    // ``heads`` of queries share one of keys; ``width`` numbers each.
    void fit(int heads, int width) {
        const long rows = (long)heads * WIDE_QUERIES;
        keys.resize((long)PAGE * width);
        values.resize((long)PAGE * width);
        shares.resize(LANES * PAGE);
        scores.resize(LANES * PAGE);
        queries.resize(rows * width);
        out.assign(rows * width, 0.0f);
        most.assign(rows, -INFINITY);
        total.assign(rows, 0.0f);
    }
};

// Keys as [16 keys][pairs of features][16 keys][2] and values as [16 features][pairs of keys][16 features][2]. Values of
// places from ``used`` on may be anything, and count as zero.
inline void widen_page(const Pages& pages, int page, int layer, int head, int used, WideRoom& room) {
    const int E = pages.width;
    const uint16_t* from = pages.at(page, layer, head);
    uint16_t* to = room.keys.data();
    for (int pair = 0; pair < PAGE / LANES * E / 2; pair++, from += 2 * LANES, to += 2 * LANES)
        _mm512_storeu_si512(to, pairs(half(from), half(from + LANES)));
    for (int part = 0; part < E / LANES; part++)
        for (int place = 0; place < PAGE; place += 2) {
            const uint16_t* at = from + (long)place * E + part * LANES;
            const F even = place < used ? half(at) : zero(), odd = place + 1 < used ? half(at + E) : zero();
            _mm512_storeu_si512(room.values.data() + ((long)part * PAGE + place) * LANES, pairs(even, odd));
        }
}

// scores = queries x keys, of sixteen queries and the 64 keys of a page.
inline void score_tiles(const uint16_t* queries, int width, WideRoom& room) {
    const long size = (long)width * LANES;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < width; i += GROUP) {
        const uint16_t* keys = room.keys.data() + (long)i * LANES;
        _tile_loadd(4, queries + i, 2L * width);
        _tile_loadd(5, keys, 64);
        _tile_dpbf16ps(0, 4, 5);
        _tile_loadd(6, keys + size, 64);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(5, keys + 2 * size, 64);
        _tile_dpbf16ps(2, 4, 5);
        _tile_loadd(6, keys + 3 * size, 64);
        _tile_dpbf16ps(3, 4, 6);
    }
    float* scores = room.scores.data();
    _tile_stored(0, scores, PAGE * sizeof(float));
    _tile_stored(1, scores + LANES, PAGE * sizeof(float));
    _tile_stored(2, scores + 2 * LANES, PAGE * sizeof(float));
    _tile_stored(3, scores + 3 * LANES, PAGE * sizeof(float));
}

// One query's scores become shares, of which ``seen`` count; what it gathered so far is scaled to the new largest score.
inline void share_row(int row, int place, int seen, int width, WideRoom& room) {
    const F never = all(-INFINITY);
    const float* scores = room.scores.data() + row * PAGE;
    F own[PAGE / LANES], top = never;
    __mmask16 counts[PAGE / LANES];
    for (int i = 0; i < PAGE / LANES; i++) {
        const int left = seen - i * LANES;
        counts[i] = left >= LANES ? 0xffff : left <= 0 ? 0 : (1 << left) - 1;
        own[i] = {_mm512_mask_mov_ps(never.v, counts[i], load(scores + i * LANES).v)};
        top = larger(top, own[i]);
    }
    float& most = room.most[place];
    const float highest = std::fmax(most, largest(top));
    if (highest > most) {
        const F factor = exponential(all(most) - all(highest));
        float* out = room.out.data() + (long)place * width;
        for (int i = 0; i < width; i += LANES) store(out + i, load(out + i) * factor);
        room.total[place] *= _mm512_cvtss_f32(factor.v);
        most = highest;
    }
    F total = zero();
    for (int i = 0; i < PAGE / LANES; i++) {
        own[i] = {_mm512_maskz_mov_ps(counts[i], exponential(own[i] - all(highest)).v)};
        total = total + own[i];
    }
    room.total[place] += sum(total);
    uint16_t* shares = room.shares.data() + row * PAGE;
    for (int i = 0; i < PAGE / LANES; i += 2)
        _mm512_storeu_si512(shares + i * LANES, (__m512i)_mm512_cvtne2ps_pbh(own[i + 1].v, own[i].v));
}

// out += shares x values, of sixteen queries.
inline void gather_tiles(float* out, int width, WideRoom& room) {
    const uint16_t *shares = room.shares.data(), *values = room.values.data();
    const long step = width * sizeof(float);
    _tile_loadd(4, shares, 2 * PAGE);
    _tile_loadd(5, shares + GROUP, 2 * PAGE);
    for (int i = 0; i < width; i += 2 * LANES) {
        const uint16_t* own = values + (long)i * PAGE;
        _tile_loadd(0, out + i, step);
        _tile_loadd(1, out + i + LANES, step);
        _tile_loadd(6, own, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, own + (long)PAGE * LANES, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(6, own + GROUP * LANES, 64);
        _tile_dpbf16ps(0, 5, 6);
        _tile_loadd(7, own + (long)(PAGE + GROUP) * LANES, 64);
        _tile_dpbf16ps(1, 5, 7);
        _tile_stored(0, out + i, step);
        _tile_stored(1, out + i + LANES, step);
    }
}

// Softmax attention of ``rows`` (at most WIDE_QUERIES) queries of ``heads`` heads over one head of keys and values. The
// first stands at ``position``. room.queries holds [head][row][width] in bfloat16, divided by the root of the width;
// room.out comes out so, in numbers.
inline void attend_wide(const Pages& pages, const int32_t* table, int layer, int kv_head, int position, int rows, int heads,
                        WideRoom& room) {
    const int E = pages.width, last = position + rows - 1;
    for (int start = 0; start <= last; start += PAGE) {
        widen_page(pages, table[start / PAGE], layer, kv_head, last + 1 - start, room);
        for (int first = 0; first < rows; first += LANES) {
            const int end = first + LANES < rows ? first + LANES : rows;
            if (position + end - 1 < start) continue;
            for (int head = 0; head < heads; head++) {
                const int place = head * WIDE_QUERIES + first;
                score_tiles(room.queries.data() + (long)place * E, E, room);
                for (int row = 0; row < end - first; row++)
                    share_row(row, place + row, position + first + row + 1 - start, E, room);
                gather_tiles(room.out.data() + (long)place * E, E, room);
            }
        }
    }
    for (int place = 0; place < heads * WIDE_QUERIES; place++) {
        const F share = all(1.0f / room.total[place]);
        float* out = room.out.data() + (long)place * E;
        for (int i = 0; i < E; i += LANES) store(out + i, load(out + i) * share);
    }
}

#else

struct WideRoom {};

#endif

}  // namespace alen
