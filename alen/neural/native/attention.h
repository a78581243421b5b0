// Attention of one query head group over the pages of a sequence.
//
// A page holds PAGE positions of every layer and kv head: keys as halves, sixteen positions side by side
// ([PAGE / 16][width][16]), then values ([PAGE][width]).
#pragma once
#include <vector>

#include "simd.h"

namespace alen {

constexpr int PAGE = 64;

struct Pages {
    uint16_t* memory;
    int layers, heads, width;

    long cell() const { return 2L * PAGE * width; }
    uint16_t* at(int page, int layer, int head) const {
        return memory + (((long)page * layers + layer) * heads + head) * cell();
    }
    void write(int page, int layer, int head, int place, const float* key, const float* value) const {
        uint16_t* cells = at(page, layer, head);
        uint16_t turned[LANES];
        for (int i = 0; i < width; i += LANES) {
            store_half(turned, load(key + i));
            for (int j = 0; j < LANES; j++) cells[((long)(place / LANES) * width + i + j) * LANES + place % LANES] = turned[j];
            store_half(cells + (long)PAGE * width + (long)place * width + i, load(value + i));
        }
    }
};

// out = softmax(q k) v for ROWS queries of one head that stand at ``last`` and the ROWS - 1 positions after it, each
// over all positions up to its own. Queries are divided by the root of the width already, ``step`` numbers apart;
// results are ``out_step`` apart. ``scores`` has room for ROWS x ``room`` numbers. A key is turned into numbers once for
// all queries; what one of them comes to does not depend on the others.
template <int ROWS>
inline void attend(const Pages& pages, const int32_t* table, int layer, int head, int last, const float* query, long step,
                   float* scores, long room, float* out, long out_step) {
    const int width = pages.width, count = last + ROWS;
    F most[ROWS];
    for (int r = 0; r < ROWS; r++) most[r] = all(-INFINITY);
    for (int start = 0; start < count; start += LANES) {
        const uint16_t* keys = pages.at(table[start / PAGE], layer, head) + (long)(start % PAGE) * width;
        F even[ROWS], odd[ROWS];
        for (int r = 0; r < ROWS; r++) even[r] = odd[r] = zero();
        for (int i = 0; i < width; i += 2) {
            const F first = half(keys + i * LANES), second = half(keys + (i + 1) * LANES);
            for (int r = 0; r < ROWS; r++) {
                even[r] = fma(first, all(query[r * step + i]), even[r]);
                odd[r] = fma(second, all(query[r * step + i + 1]), odd[r]);
            }
        }
        for (int r = 0; r < ROWS; r++) {
            float* own = scores + r * room;
            store(own + start, even[r] + odd[r]);
            for (int i = last + r + 1 > start ? last + r + 1 : start; i < start + LANES; i++) own[i] = -INFINITY;
            most[r] = larger(most[r], load(own + start));
        }
    }
    F share[ROWS];
    for (int r = 0; r < ROWS; r++) {
        float* own = scores + r * room;
        const F top = all(largest(most[r]));
        F total = zero();
        for (int start = 0; start <= last + r; start += LANES) {
            store(own + start, exponential(load(own + start) - top));
            for (int i = last + r + 1; i < start + LANES; i++) own[i] = 0.0f;
            total = total + load(own + start);
        }
        // What lies behind a query's own position was never a part of its sums.
        for (int start = (last + r) / LANES * LANES + LANES; start < count; start += LANES) store(own + start, zero());
        share[r] = all(1.0f / sum(total));
    }
    for (int part = 0; part < width; part += 2 * LANES) {
        F low[ROWS], high[ROWS];
        for (int r = 0; r < ROWS; r++) low[r] = high[r] = zero();
        for (int start = 0; start < count; start += PAGE) {
            const uint16_t* values = pages.at(table[start / PAGE], layer, head) + (long)PAGE * width + part;
            const int end = count - start < PAGE ? count - start : PAGE;
            for (int place = 0; place < end; place++) {
                const F first = half(values + (long)place * width), second = half(values + (long)place * width + LANES);
                for (int r = 0; r < ROWS; r++) {
                    const F weight = all(scores[r * room + start + place]);
                    low[r] = fma(first, weight, low[r]);
                    high[r] = fma(second, weight, high[r]);
                }
            }
        }
        for (int r = 0; r < ROWS; r++) {
            store(out + r * out_step + part, low[r] * share[r]);
            store(out + r * out_step + part + LANES, high[r] * share[r]);
        }
    }
}

constexpr int QUERIES = 4;

}  // namespace alen
