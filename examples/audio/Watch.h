// Notices what an audio thread may not do: allocate, lock, call the system, fault on a page.
#ifndef MLC_EXAMPLES_AUDIO_WATCH_H
#define MLC_EXAMPLES_AUDIO_WATCH_H

namespace audio {

/// What a watched thread did. In memory that outlives its process.
struct Watched {
  long block = 0;                                   ///< Set by the thread: where it is.
  long allocations = 0, locks = 0, systemCalls = 0; ///< Frees are counted as allocations.
  long allocationBlock = -1, lockBlock = -1;        ///< The first of them.
  long systemCall = -1; ///< The number of the one that ended the process.
  long minorFaults = 0, majorFaults = 0;
};

/// Exit status of a process that made a system call when it was watched.
constexpr int kCaught = 3;

/// From now on the calling thread, the only one of its process, is watched. The kernel
/// refuses every system call until the process ends: it does so with kCaught at the first
/// one. What is written to `watched` must have been touched.
void startWatching(Watched &watched);
/// Fills in the faults. The process can do nothing any more but endProcess().
void stopWatching();
[[noreturn]] void endProcess(int status);

} // namespace audio

#endif // MLC_EXAMPLES_AUDIO_WATCH_H
