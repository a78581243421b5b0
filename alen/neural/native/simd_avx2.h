// Sixteen numbers in two registers of AVX2, with FMA and F16C; simd.h includes it.
#pragma once
#include "simd_x86.h"

#include <cstdint>
#include <cstring>

namespace alen {

struct F {
    __m256 a, b;
};
struct I {
    __m256i a, b;
};

inline F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline F all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, F x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
inline __m128i eight(const uint16_t* p) { return _mm_loadu_si128((const __m128i*)p); }
inline F half(const uint16_t* p) { return {_mm256_cvtph_ps(eight(p)), _mm256_cvtph_ps(eight(p + 8))}; }
// Sixteen pairs of bfloat16, a pair a lane.
inline void load_pairs(const uint16_t* p, F& even, F& odd) {
    const __m256i a = _mm256_loadu_si256((const __m256i*)p), b = _mm256_loadu_si256((const __m256i*)(p + LANES));
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    even = {_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(b, 16))};
    odd = {_mm256_castsi256_ps(_mm256_and_si256(a, upper)), _mm256_castsi256_ps(_mm256_and_si256(b, upper))};
}
inline void store_half(uint16_t* p, F x) {
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm_storeu_si128((__m128i*)(p + 8), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F operator+(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F operator-(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F operator*(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F operator/(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F fma(F x, F y, F z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline F larger(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline F smaller(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline F magnitude(F x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline F rounded(F x) {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(x.a, nearest), _mm256_round_ps(x.b, nearest)};
}
inline float sum(F x) {
    const __m256 eight = _mm256_add_ps(x.a, x.b);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}
inline float largest(F x) {
    const __m256 eight = _mm256_max_ps(x.a, x.b);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
inline __m256 two_to_whole(__m256 n) {  // of whole n from -126 to 127
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
inline F times_two_to(F x, F n) { return {_mm256_mul_ps(x.a, two_to_whole(n.a)), _mm256_mul_ps(x.b, two_to_whole(n.b))}; }
inline F number(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

inline I bytes(const uint8_t* p) {
    return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 32))};
}
inline I low_nibbles(I x) {
    const __m256i low = _mm256_set1_epi8(15);
    return {_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low)};
}
inline I high_nibbles(I x) { return low_nibbles({_mm256_srli_epi16(x.a, 4), _mm256_srli_epi16(x.b, 4)}); }
inline __m256i four_of(const int8_t* p) {
    int32_t four;
    memcpy(&four, p, 4);
    return _mm256_set1_epi32(four);
}
// Each lane's sum of 32 products: nibbles unpacked in eight vectors, with the 32 signed bytes at q. Sixteen bits hold
// the sum of all: a pair of products is 2 x 15 x 127 at most.
inline I dot_nibbles(const I* weights, const int8_t* q) {
    __m256i a = _mm256_setzero_si256(), b = a;
    for (int part = 0; part < 8; part++) {
        const __m256i four = four_of(q + 4 * part);
        a = _mm256_add_epi16(a, _mm256_maddubs_epi16(weights[part].a, four));
        b = _mm256_add_epi16(b, _mm256_maddubs_epi16(weights[part].b, four));
    }
    const __m256i ones = _mm256_set1_epi16(1);
    return {_mm256_madd_epi16(a, ones), _mm256_madd_epi16(b, ones)};
}
// The same of bytes from which 128 is to be taken. The sign goes over to the other factor, since the product of this
// processor wants one without; a pair of products fits into sixteen bits then, where 255 x 127 twice would not.
inline I dot_bytes(const uint8_t* data, const int8_t* q, int32_t) {
    const __m256i ones = _mm256_set1_epi16(1), middle = _mm256_set1_epi8((char)0x80);
    __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int part = 0; part < 8; part++) {
        const __m256i four = four_of(q + 4 * part);
        for (int side = 0; side < 2; side++) {
            const __m256i raw = _mm256_loadu_si256((const __m256i*)(data + 64 * part + 32 * side));
            const __m256i weight = _mm256_xor_si256(raw, middle);
            const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weight), _mm256_sign_epi8(four, weight));
            sums[side] = _mm256_add_epi32(sums[side], _mm256_madd_epi16(pairs, ones));
        }
    }
    return {sums[0], sums[1]};
}
inline __m128i as_halves(__m256 x) {
    const __m256i whole = _mm256_cvtps_epi32(x);
    return _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
}
inline I nothing() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline I words(const int16_t* p) {
    __m256i a = _mm256_loadu_si256((const __m256i*)p), b = _mm256_loadu_si256((const __m256i*)(p + LANES));
    asm("" : "+x"(a), "+x"(b));  // GCC would load them again for each row that they are multiplied with
    return {a, b};
}
// Sums stay in their registers: left alone, GCC keeps one of them in memory, and each step waits for it.
inline void add_products(__m256i& sum, __m256i pairs, __m256i shared) {
    __m256i products;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(pairs), "x"(shared));
}
// Adds to each lane the products of its two numbers with the two at p, which all lanes share.
inline I add_pairs(I sum, I pairs, const int16_t* p) {
    int32_t two;
    memcpy(&two, p, 4);
    const __m256i shared = _mm256_set1_epi32(two);
    add_products(sum.a, pairs.a, shared);
    add_products(sum.b, pairs.b, shared);
    return sum;
}
inline void store_whole(int16_t* p, F x) {
    _mm_storeu_si128((__m128i*)p, as_halves(x.a));
    _mm_storeu_si128((__m128i*)(p + 8), as_halves(x.b));
}
inline void store_bytes(int8_t* p, F x) { _mm_storeu_si128((__m128i*)p, _mm_packs_epi16(as_halves(x.a), as_halves(x.b))); }

}  // namespace alen
