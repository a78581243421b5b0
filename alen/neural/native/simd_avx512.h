// Sixteen numbers in one register of AVX-512, with VNNI for bytes; simd.h includes it.
#pragma once
#include "simd_x86.h"

namespace alen {

struct F {
    __m512 v;
};
struct I {
    __m512i v;
};

inline F zero() { return {_mm512_setzero_ps()}; }
inline F all(float x) { return {_mm512_set1_ps(x)}; }
inline F load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, F x) { _mm512_storeu_ps(p, x.v); }
inline F half(const uint16_t* p) { return {_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p))}; }
// Sixteen pairs of bfloat16, a pair a lane.
inline void load_pairs(const uint16_t* p, F& even, F& odd) {
    const __m512i both = _mm512_loadu_si512(p);
    even.v = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    odd.v = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
}
inline void store_half(uint16_t* p, F x) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F operator/(F a, F b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F fma(F a, F b, F c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline F larger(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F smaller(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
inline F magnitude(F a) { return {_mm512_abs_ps(a.v)}; }
inline F rounded(F a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
inline float sum(F a) { return _mm512_reduce_add_ps(a.v); }
inline float largest(F a) { return _mm512_reduce_max_ps(a.v); }
inline F times_two_to(F a, F n) { return {_mm512_scalef_ps(a.v, n.v)}; }
inline F number(I a) { return {_mm512_cvtepi32_ps(a.v)}; }

inline I every(int32_t x) { return {_mm512_set1_epi32(x)}; }
inline I bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline I low_nibbles(I a) { return {_mm512_and_si512(a.v, _mm512_set1_epi8(15))}; }
inline I high_nibbles(I a) { return {_mm512_and_si512(_mm512_srli_epi16(a.v, 4), _mm512_set1_epi8(15))}; }
inline I plus(I a, I b) { return {_mm512_add_epi32(a.v, b.v)}; }
// Adds to each lane the product of its four unsigned bytes with the four signed bytes at p, which all lanes share.
inline I dot4(I sum, I unsigned_bytes, const int8_t* p) {
    int32_t four;
    memcpy(&four, p, 4);
    return {_mm512_dpbusd_epi32(sum.v, unsigned_bytes.v, _mm512_set1_epi32(four))};
}
// Each lane's sum of 32 products: nibbles unpacked in eight vectors, with the 32 signed bytes at q.
inline I dot_nibbles(const I* weights, const int8_t* q) {
    I one = every(0), two = every(0);
    for (int part = 0; part < 4; part++) {
        one = dot4(one, weights[part], q + 4 * part);
        two = dot4(two, weights[part + 4], q + 16 + 4 * part);
    }
    return plus(one, two);
}
// The same of bytes from which 128 is to be taken; ``whole`` is -128 times the sum of the bytes at q.
inline I dot_bytes(const uint8_t* data, const int8_t* q, int32_t whole) {
    I one = every(whole), two = every(0);
    for (int part = 0; part < 4; part++) {
        one = dot4(one, bytes(data + 128 * part), q + 8 * part);
        two = dot4(two, bytes(data + 128 * part + 64), q + 8 * part + 4);
    }
    return plus(one, two);
}
inline I nothing() { return every(0); }
inline I words(const int16_t* p) { return {_mm512_loadu_si512(p)}; }
// Adds to each lane the products of its two numbers with the two at p, which all lanes share.
inline I add_pairs(I sum, I pairs, const int16_t* p) {
    int32_t two;
    memcpy(&two, p, 4);
    return {_mm512_dpwssd_epi32(sum.v, pairs.v, _mm512_set1_epi32(two))};
}
inline void store_whole(int16_t* p, F x) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x.v)));
}
inline void store_bytes(int8_t* p, F x) {
    _mm_storeu_si128((__m128i*)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x.v)));
}

}  // namespace alen
