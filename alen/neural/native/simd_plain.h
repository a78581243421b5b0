// Sixteen numbers in plain loops, for any processor; simd.h includes it.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace alen {

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
// Sixteen pairs of bfloat16, a pair a lane.
inline void load_pairs(const uint16_t* p, F& even, F& odd) {
    for (int i = 0; i < LANES; i++) {
        const uint32_t low = (uint32_t)p[2 * i] << 16, high = (uint32_t)p[2 * i + 1] << 16;
        memcpy(&even.v[i], &low, 4);
        memcpy(&odd.v[i], &high, 4);
    }
}
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
inline I dot4(I sum, const uint8_t* unsigned_bytes, const int8_t* p) {
    int32_t x[LANES];
    memcpy(x, sum.v, sizeof x);
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++) x[i] += (int)unsigned_bytes[4 * i + j] * (int)p[j];
    memcpy(sum.v, x, sizeof x);
    return sum;
}
// Each lane's sum of 32 products: nibbles unpacked in eight vectors, with the 32 signed bytes at q.
inline I dot_nibbles(const I* weights, const int8_t* q) {
    I sum = every(0);
    for (int part = 0; part < 8; part++) sum = dot4(sum, weights[part].v, q + 4 * part);
    return sum;
}
// The same of bytes from which 128 is to be taken; ``whole`` is -128 times the sum of the bytes at q.
inline I dot_bytes(const uint8_t* data, const int8_t* q, int32_t whole) {
    I sum = every(whole);
    for (int part = 0; part < 8; part++) sum = dot4(sum, data + 64 * part, q + 4 * part);
    return sum;
}
inline I nothing() { return every(0); }
inline I words(const int16_t* p) { return bytes((const uint8_t*)p); }
// Adds to each lane the products of its two numbers with the two at p, which all lanes share.
inline I add_pairs(I sum, I pairs, const int16_t* p) {
    int32_t x[LANES];
    int16_t both[2 * LANES];
    memcpy(x, sum.v, sizeof x);
    memcpy(both, pairs.v, sizeof both);
    for (int i = 0; i < LANES; i++) x[i] += (int)both[2 * i] * (int)p[0] + (int)both[2 * i + 1] * (int)p[1];
    memcpy(sum.v, x, sizeof x);
    return sum;
}
inline void store_whole(int16_t* p, F x) {
    for (int i = 0; i < LANES; i++) p[i] = (int16_t)std::nearbyint(x.v[i]);
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

}  // namespace alen
