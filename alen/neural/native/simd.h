// Sixteen numbers at a time: AVX-512 where the processor has it, plain loops that the compiler vectorises elsewhere.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
#define ALEN_AVX512 1
#include <immintrin.h>
#endif

namespace alen {

constexpr int LANES = 16;

// Room that begins with a line of the caches: a vector or a row of a tile that straddles two lines takes twice as long.
template <class T>
struct InLines {
    using value_type = T;
    static constexpr std::align_val_t line{64};
    InLines() = default;
    template <class U>
    InLines(const InLines<U>&) {}
    T* allocate(std::size_t count) { return (T*)::operator new(count * sizeof(T), line); }
    void deallocate(T* at, std::size_t) { ::operator delete(at, line); }
    bool operator==(const InLines&) const { return true; }
    bool operator!=(const InLines&) const { return false; }
};
template <class T>
using Room = std::vector<T, InLines<T>>;

#ifdef ALEN_AVX512

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
inline void store_bytes(int8_t* p, F x) {
    _mm_storeu_si128((__m128i*)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x.v)));
}
inline int sum_of_bytes(const int8_t* p) {  // of 32
    const __m256i ones = _mm256_set1_epi8(1);
    __m256i pairs = _mm256_maddubs_epi16(ones, _mm256_loadu_si256((const __m256i*)p));
    __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}
inline void pause() { _mm_pause(); }

#else

struct F {
    float v[LANES];
};
struct I {
    uint8_t v[4 * LANES];
};

#define ALEN_EACH(expression)                      \
    F out;                                         \
    for (int i = 0; i < LANES; i++) out.v[i] = expression; \
    return out;

inline float from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023, bits;
    float x;
    if (exponent == 0) {
        x = std::ldexp((float)mantissa, -24);
        return sign ? -x : x;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&x, &bits, 4);
    return x;
}
inline uint16_t to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t sign = bits >> 16 & 0x8000;
    float size = std::fabs(x);
    if (!(size < 65520.0f)) return sign | (size == size ? 0x7c00 : 0x7e00);
    int exponent;
    std::frexp(size, &exponent);
    int step = (exponent > -13 ? exponent : -13) - 11;  // what the last of eleven digits is worth
    uint32_t digits = (uint32_t)std::nearbyint(std::ldexp(size, -step));
    return sign | (digits + ((uint32_t)(step + 24) << 10));
}
inline F zero() { return F{}; }
inline F all(float x) { ALEN_EACH(x) }
inline F load(const float* p) { ALEN_EACH(p[i]) }
inline void store(float* p, F x) { memcpy(p, x.v, sizeof x.v); }
inline F half(const uint16_t* p) { ALEN_EACH(from_half(p[i])) }
inline void store_half(uint16_t* p, F x) {
    for (int i = 0; i < LANES; i++) p[i] = to_half(x.v[i]);
}
inline F operator+(F a, F b) { ALEN_EACH(a.v[i] + b.v[i]) }
inline F operator-(F a, F b) { ALEN_EACH(a.v[i] - b.v[i]) }
inline F operator*(F a, F b) { ALEN_EACH(a.v[i] * b.v[i]) }
inline F operator/(F a, F b) { ALEN_EACH(a.v[i] / b.v[i]) }
inline F fma(F a, F b, F c) { ALEN_EACH(a.v[i] * b.v[i] + c.v[i]) }
inline F larger(F a, F b) { ALEN_EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]) }
inline F smaller(F a, F b) { ALEN_EACH(a.v[i] < b.v[i] ? a.v[i] : b.v[i]) }
inline F magnitude(F a) { ALEN_EACH(std::fabs(a.v[i])) }
inline F rounded(F a) { ALEN_EACH(std::nearbyint(a.v[i])) }
inline F times_two_to(F a, F n) { ALEN_EACH(std::ldexp(a.v[i], (int)n.v[i])) }
inline float sum(F a) {
    for (int width = LANES / 2; width; width /= 2)
        for (int i = 0; i < width; i++) a.v[i] += a.v[i + width];
    return a.v[0];
}
inline float largest(F a) {
    float best = a.v[0];
    for (int i = 1; i < LANES; i++) best = a.v[i] > best ? a.v[i] : best;
    return best;
}
inline F number(I a) {
    int32_t whole[LANES];
    memcpy(whole, a.v, sizeof whole);
    ALEN_EACH((float)whole[i])
}
inline I every(int32_t x) {
    I out;
    for (int i = 0; i < LANES; i++) memcpy(out.v + 4 * i, &x, 4);
    return out;
}
inline I bytes(const uint8_t* p) {
    I out;
    memcpy(out.v, p, sizeof out.v);
    return out;
}
inline I low_nibbles(I a) {
    for (auto& x : a.v) x &= 15;
    return a;
}
inline I high_nibbles(I a) {
    for (auto& x : a.v) x >>= 4;
    return a;
}
inline I plus(I a, I b) {
    int32_t x[LANES], y[LANES];
    memcpy(x, a.v, sizeof x);
    memcpy(y, b.v, sizeof y);
    for (int i = 0; i < LANES; i++) x[i] += y[i];
    memcpy(a.v, x, sizeof x);
    return a;
}
inline I dot4(I sum, I unsigned_bytes, const int8_t* p) {
    int32_t x[LANES];
    memcpy(x, sum.v, sizeof x);
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++) x[i] += (int)unsigned_bytes.v[4 * i + j] * (int)p[j];
    memcpy(sum.v, x, sizeof x);
    return sum;
}
inline void store_bytes(int8_t* p, F x) {
    for (int i = 0; i < LANES; i++) p[i] = (int8_t)std::nearbyint(x.v[i]);
}
inline int sum_of_bytes(const int8_t* p) {
    int total = 0;
    for (int i = 0; i < 32; i++) total += p[i];
    return total;
}
inline void pause() {}

#endif

// e to the x, within two units in the last place: x = n ln 2 + r, and a polynomial of degree six in r.
inline F exponential(F x) {
    x = larger(smaller(x, all(88.0f)), all(-87.0f));
    F n = rounded(x * all(1.44269504f));
    F r = fma(n, all(-0.693145752f), x);
    r = fma(n, all(-1.42860677e-6f), r);
    F p = all(1.3888889e-3f);
    p = fma(p, r, all(8.3333333e-3f));
    p = fma(p, r, all(4.1666667e-2f));
    p = fma(p, r, all(1.6666667e-1f));
    p = fma(p, r, all(0.5f));
    p = fma(p, r, all(1.0f));
    p = fma(p, r, all(1.0f));
    return times_two_to(p, n);
}

inline F silu(F x) { return x / (all(1.0f) + exponential(all(0.0f) - x)); }

}  // namespace alen
