// Products of many rows on the matrix units of a processor (AMX, bfloat16): weights are widened block by block, which
// pays from some thirty rows on. A row is summed in one order here too, whatever stands beside it.
#pragma once
#include "matrix.h"

#if defined(ALEN_AVX512) && defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__linux__)
#define ALEN_TILES 1
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace alen {

#ifdef ALEN_TILES

// Whether the system lets this process use them; asked once.
inline bool tiles_allowed() {
    static const bool allowed = syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18) == 0;
    return allowed;
}

struct alignas(64) TileShape {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t columns[16] = {};
    uint8_t rows[16] = {};
};

// Sets the tiles up and puts back what was there: other libraries on this thread have a shape of their own.
class TileUse {
   public:
    TileUse() {
        _tile_storeconfig(&before_);
        TileShape shape;
        for (int tile = 0; tile < 8; tile++) shape.columns[tile] = 64, shape.rows[tile] = 16;
        _tile_loadconfig(&shape);
    }
    ~TileUse() {
        if (before_.palette)
            _tile_loadconfig(&before_);
        else
            _tile_release();
    }

   private:
    TileShape before_;
};

// Two vectors of sixteen as pairs of bfloat16, one pair a lane.
inline __m512i pairs(F even, F odd) {
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even.v));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd.v));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

inline void widen_row(const float* numbers, int count, uint16_t* out) {
    for (int i = 0; i < count; i += LANES)
        _mm256_storeu_si256((__m256i*)(out + i), (__m256i)_mm512_cvtneps_pbh(load(numbers + i).v));
}

inline void widen(const Activations& x, int row, int group) {
    const long at = (long)row * x.inputs + group * GROUP;
    widen_row(x.numbers + at, GROUP, x.wide + at);
}

inline F byte_of(__m512i four, int place) {
    return {_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(four, 8 * place), _mm512_set1_epi32(255)))};
}

// A block as [inputs / 2][16 outputs][2], bfloat16.
inline void widen_block(const Matrix& m, int block, uint16_t* out) {
    const uint8_t* data = m.block(block);
    auto put = [&](int pair, F even, F odd) { _mm512_storeu_si512(out + (long)pair * 32, pairs(even, odd)); };
    for (int group = 0; group < m.inputs / GROUP; group++, data += group_bytes(m.kind)) {
        const int at = group * GROUP / 2;
        if (m.kind == HALVES) {
            const uint16_t* weights = (const uint16_t*)data;
            for (int pair = 0; pair < GROUP / 2; pair++)
                put(at + pair, half(weights + 2 * pair * LANES), half(weights + (2 * pair + 1) * LANES));
        } else if (m.kind == BYTES) {
            const F scale = half((const uint16_t*)(data + 512)), least = all(-128.0f) * scale;
            for (int part = 0; part < 8; part++) {
                const __m512i four = _mm512_loadu_si512(data + 64 * part);
                for (int i = 0; i < 4; i += 2)
                    put(at + 2 * part + i / 2, fma(byte_of(four, i), scale, least), fma(byte_of(four, i + 1), scale, least));
            }
        } else {
            const F scale = half((const uint16_t*)(data + 256)), least = half((const uint16_t*)(data + 288));
            for (int part = 0; part < 4; part++) {
                const I both = bytes(data + 64 * part);
                const I four[2] = {low_nibbles(both), high_nibbles(both)};
                for (int side = 0; side < 2; side++)
                    for (int i = 0; i < 4; i += 2)
                        put(at + 8 * side + 2 * part + i / 2, fma(byte_of(four[side].v, i), scale, least),
                            fma(byte_of(four[side].v, i + 1), scale, least));
            }
        }
    }
}

// Hands out(row, block, sixteen outputs) for ``blocks`` (one or two) blocks side by side. x is [rows][inputs] in
// bfloat16, with room for whole tiles of sixteen rows; scratch holds two widened blocks.
template <class Out>
inline void multiply_wide(const Matrix& m, int block, int blocks, const uint16_t* x, int rows, uint16_t* scratch,
                          const Out& out) {
    const long size = (long)m.inputs * LANES, stride = (long)m.inputs * 2;
    for (int b = 0; b < blocks; b++) widen_block(m, block + b, scratch + b * size);
    alignas(64) float found[4][LANES * LANES];
    for (int row = 0; row < rows; row += 2 * LANES) {
        const bool second_rows = row + LANES < rows, second_block = blocks > 1;
        const uint16_t *x0 = x + (long)row * m.inputs, *x1 = x0 + (long)LANES * m.inputs;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int input = 0; input < m.inputs; input += GROUP) {
            _tile_loadd(4, x0 + input, stride);
            _tile_loadd(6, scratch + (long)input * LANES, 64);
            _tile_dpbf16ps(0, 4, 6);
            if (second_block) {
                _tile_loadd(7, scratch + size + (long)input * LANES, 64);
                _tile_dpbf16ps(1, 4, 7);
            }
            if (second_rows) {
                _tile_loadd(5, x1 + input, stride);
                _tile_dpbf16ps(2, 5, 6);
                if (second_block) _tile_dpbf16ps(3, 5, 7);
            }
        }
        _tile_stored(0, found[0], 64);
        _tile_stored(1, found[1], 64);
        _tile_stored(2, found[2], 64);
        _tile_stored(3, found[3], 64);
        for (int b = 0; b < blocks; b++) {
            const F bias = m.bias ? load(m.bias + (long)(block + b) * LANES) : zero();
            for (int half_rows = 0; half_rows < 2; half_rows++)
                for (int r = 0; r < LANES; r++) {
                    const int at = row + half_rows * LANES + r;
                    if (at < rows) out(at, block + b, load(found[2 * half_rows + b] + r * LANES) + bias);
                }
        }
    }
}

#else

inline bool tiles_allowed() { return false; }
struct TileUse {};
inline void widen(const Activations&, int, int) {}

#endif

}  // namespace alen
