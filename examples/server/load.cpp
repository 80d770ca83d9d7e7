// Clients for example-server: threads that ask for the held-out digits over connections that
// stay open, and check every reply.
//
//   load PORT IMAGES.npy LOGITS.npy THREADS REQUESTS
//
// Of 8 requests 6 are one image as bytes, one is an image as JSON and one is a few images as
// JSON. Logits must be near those of LOGITS.npy, and for one image the same bits in every
// reply. REQUESTS are those of all threads; 0: until the server closes the connections.
// Prints "busy" when the first reply has come, and counts and times as JSON at the end.
#include "../common/example.h"
#include "mlc/Tensor/Npy.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <thread>

using namespace example;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t,
                                  std::uint64_t, float>;

namespace {

constexpr int64_t kPixels = 64, kClasses = 10, kSeveral = 5;

struct Data {
  mlc::Tensor images, logits;
  /// The first logits that came for an image; a bit pattern that no logit has: none yet.
  mutable std::vector<std::atomic<uint32_t>> seen;
};

struct Totals {
  int64_t replies = 0, rows = 0;
  std::vector<double> microseconds; ///< Of each request.
};

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr uint32_t kUnseen = 0xffffffff; // a NaN

void checkRow(const Data &data, int64_t image, const float *logits) {
  for (int64_t i = 0; i < kClasses; ++i) {
    float expected = data.logits.dataAs<float>()[image * kClasses + i];
    require(std::fabs(logits[i] - expected) <= 1e-4F + 1e-4F * std::fabs(expected),
            "image " + std::to_string(image) + ": logit " + std::to_string(i) + " is " +
                std::to_string(logits[i]) + ", expected " + std::to_string(expected));
    uint32_t bits = bitsOf(logits[i]), before = kUnseen;
    bool isFirst =
        data.seen[static_cast<size_t>(image * kClasses + i)].compare_exchange_strong(before, bits);
    require(isFirst || before == bits,
            "image " + std::to_string(image) + " has other bits than in an earlier reply");
  }
}

/// One request and the check of its reply; false when the server has closed.
bool ask(httplib::Client &client, const Data &data, int64_t index, Totals &totals) {
  const int64_t count = data.images.shape()[0];
  const int64_t first = index % count;
  const bool several = index % 8 == 1, asJson = several || index % 8 == 0;
  const int64_t rows = several ? std::min(kSeveral, count - first) : 1;
  const float *pixels = data.images.dataAs<float>() + first * kPixels;
  std::string body;
  if (asJson) {
    Json images = Json::array();
    for (int64_t row = 0; row < rows; ++row)
      images.push_back(std::vector<float>(pixels + row * kPixels, pixels + (row + 1) * kPixels));
    body = Json{{"images", images}}.dump();
  } else {
    body.assign(reinterpret_cast<const char *>(pixels), kPixels * sizeof(float));
  }
  auto start = Clock::now();
  auto response =
      client.Post("/v1/predict", body, asJson ? "application/json" : "application/octet-stream");
  std::chrono::duration<double, std::micro> took = Clock::now() - start;
  if (!response)
    return false;
  require(response->status == 200,
          "status " + std::to_string(response->status) + ": " + response->body);
  std::vector<float> logits;
  if (asJson) {
    auto replied = Json::parse(response->body).at("logits").get<std::vector<std::vector<float>>>();
    for (const std::vector<float> &row : replied)
      logits.insert(logits.end(), row.begin(), row.end());
  } else {
    logits.resize(response->body.size() / sizeof(float));
    std::memcpy(logits.data(), response->body.data(), logits.size() * sizeof(float));
  }
  require(logits.size() == static_cast<size_t>(rows * kClasses),
          "got " + std::to_string(logits.size()) + " logits for " + std::to_string(rows) +
              " images");
  for (int64_t row = 0; row < rows; ++row)
    checkRow(data, first + row, logits.data() + row * kClasses);
  ++totals.replies;
  totals.rows += rows;
  totals.microseconds.push_back(took.count());
  return true;
}

int64_t numberOf(const char *text) {
  char *end = nullptr;
  int64_t number = std::strtoll(text, &end, 10);
  require(end != text && *end == 0 && number >= 0, std::string(text) + " is no number");
  return number;
}

} // namespace

int main(int argc, char **argv) {
  require(argc == 6, "usage: load PORT IMAGES.npy LOGITS.npy THREADS REQUESTS");
  const int port = static_cast<int>(numberOf(argv[1]));
  const int64_t numThreads = numberOf(argv[4]), numRequests = numberOf(argv[5]);
  Data data{get(mlc::readNpy(argv[2])), get(mlc::readNpy(argv[3])), {}};
  data.seen = std::vector<std::atomic<uint32_t>>(static_cast<size_t>(data.logits.size()));
  for (std::atomic<uint32_t> &bits : data.seen)
    bits = kUnseen;
  std::signal(SIGPIPE, SIG_IGN); // the server may close first

  std::atomic<int64_t> next{0};
  std::vector<Totals> totals(static_cast<size_t>(numThreads));
  std::vector<std::thread> threads;
  threads.reserve(totals.size());
  auto start = Clock::now();
  for (Totals &mine : totals)
    threads.emplace_back([&] {
      httplib::Client client("127.0.0.1", port);
      client.set_keep_alive(true);
      client.set_tcp_nodelay(true);
      for (int64_t index; (index = next++) < numRequests || numRequests == 0;) {
        if (!ask(client, data, index, mine)) {
          require(numRequests == 0, "the server does not answer");
          break;
        }
        if (index == 0) {
          std::puts("busy");
          std::fflush(stdout);
        }
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  std::chrono::duration<double> seconds = Clock::now() - start;

  Totals all;
  for (const Totals &one : totals) {
    all.replies += one.replies;
    all.rows += one.rows;
    all.microseconds.insert(all.microseconds.end(), one.microseconds.begin(),
                            one.microseconds.end());
  }
  std::sort(all.microseconds.begin(), all.microseconds.end());
  auto percentile = [&](size_t p) {
    return all.microseconds.empty() ? 0 : all.microseconds[(all.microseconds.size() - 1) * p / 100];
  };
  std::printf("{\"replies\": %lld, \"rows\": %lld, \"per_second\": %.0f, \"p50_us\": %.0f, "
              "\"p99_us\": %.0f}\n",
              static_cast<long long>(all.replies), static_cast<long long>(all.rows),
              static_cast<double>(all.replies) / seconds.count(), percentile(50), percentile(99));
}
