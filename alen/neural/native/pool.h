// Threads that run one function together and meet at barriers in the middle of it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "simd.h"

namespace alen {

class Pool {
   public:
    explicit Pool(int count) : count_(count) {
        for (int i = 1; i < count; i++) threads_.emplace_back([this, i] { work(i); });
    }
    ~Pool() {
        over_ = true;
        wake();
        for (auto& thread : threads_) thread.join();
    }
    int count() const { return count_; }

    // Runs job(thread) on every thread; returns when all are done.
    template <class Job>
    void run(const Job& job) {
        job_ = [&job](int thread) { job(thread); };
        wake();
        job_(0);
        barrier();
    }

    // Spins: a step has some two hundred of them, each a microsecond's work apart from the next.
    void barrier() {
        if (count_ == 1) return;
        const int mine = phase_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == count_ - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(mine + 1, std::memory_order_release);
            return;
        }
        for (int turn = 0; phase_.load(std::memory_order_acquire) == mine; turn++) rest(turn);
    }

   private:
    static constexpr int SPINS = 4000;

    static void rest(int turn) {
        if (turn < SPINS)
            pause();
        else
            std::this_thread::yield();
    }

    void wake() {
        if (count_ == 1) return;
        {
            std::lock_guard<std::mutex> held(mutex_);
            epoch_.fetch_add(1, std::memory_order_release);
        }
        bell_.notify_all();
    }

    void work(int thread) {
        for (int seen = 0;;) {
            for (int turn = 0; turn < SPINS && epoch_.load(std::memory_order_acquire) == seen; turn++) pause();
            if (epoch_.load(std::memory_order_acquire) == seen) {
                std::unique_lock<std::mutex> held(mutex_);
                bell_.wait(held, [&] { return epoch_.load(std::memory_order_acquire) != seen; });
            }
            seen++;
            if (over_) return;
            job_(thread);
            barrier();
        }
    }

    int count_;
    std::vector<std::thread> threads_;
    std::function<void(int)> job_;
    std::atomic<int> epoch_{0}, arrived_{0}, phase_{0};
    std::atomic<bool> over_{false};
    std::mutex mutex_;
    std::condition_variable bell_;
};

// The part of ``total`` things, in portions of ``grain``, that a thread of ``count`` takes: [first, last).
struct Share {
    int first, last;
    Share(int total, int grain, int thread, int count) {
        const long portions = (total + grain - 1) / grain;
        first = (int)(portions * thread / count) * grain;
        last = (int)(portions * (thread + 1) / count) * grain;
        if (last > total) last = total;
        if (first > total) first = total;
    }
};

}  // namespace alen
