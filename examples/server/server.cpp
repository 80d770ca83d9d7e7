// A small HTTP endpoint in front of one model: many threads share its Executable.
//
//   GET  /healthz      200 when the server can answer
//   GET  /v1/model     the model's inputs and outputs, as JSON
//   POST /v1/predict   application/json: {"input": [...], ...} gives {"output": [...], ...}
//                      application/octet-stream: elements in, elements out
//
// What is wrong with a request is said as {"error": "..."} with a status of 4xx. SIGTERM and
// SIGINT end the server when it has answered the requests that it has begun to read; a second
// one ends it at once.
#include "service.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

namespace {

constexpr const char *kUsage = R"(usage: example-server [options] MODEL

Answers HTTP requests with what the model computes; POST /v1/predict, GET /v1/model,
GET /healthz.

  --host=ADDRESS      where to listen (127.0.0.1)
  --port=N            0 takes a free one (8080)
  --threads=N         connections that are served at a time (8, or one for each CPU)
  --max-body=BYTES    longer requests are refused (1048576)
)";

/// How long a connection may stay open without a request; so long a shutdown may take.
constexpr time_t kIdleSeconds = 2;

struct Options {
  std::string model, host = "127.0.0.1";
  int64_t port = 8080;
  int64_t threads = std::max(8U, std::thread::hardware_concurrency());
  int64_t maxBody = 1 << 20;
};

[[noreturn]] void exitWith(int code, const std::string &message) {
  std::fprintf(stderr, "example-server: %s\n", message.c_str());
  std::exit(code);
}

int64_t parseNumber(const std::string &option, const std::string &text, int64_t least,
                    int64_t most) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    exitWith(2, option + "=" + text + ": expected a number from " + std::to_string(least) + " to " +
                    std::to_string(most));
  return value;
}

Options parseOptions(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    if (argument.rfind("--", 0) != 0) {
      if (!options.model.empty())
        exitWith(2, "expected one model, got " + options.model + " and " + argument);
      options.model = argument;
      continue;
    }
    size_t equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    if (name != "--host" && name != "--port" && name != "--threads" && name != "--max-body")
      exitWith(2, "there is no option " + name + "; see --help");
    if (equals == std::string::npos)
      exitWith(2, name + " needs a value: " + name + "=...");
    std::string value = argument.substr(equals + 1);
    if (name == "--host")
      options.host = value;
    else if (name == "--port")
      options.port = parseNumber(name, value, 0, 65535);
    else if (name == "--threads")
      options.threads = parseNumber(name, value, 1, 1024);
    else
      options.maxBody = parseNumber(name, value, 1, int64_t(1) << 31);
  }
  if (options.model.empty())
    exitWith(2, "expected a model file; see --help");
  return options;
}

class Server {
public:
  Server(const Service &service, const Options &options) : service(service), options(options) {}
  /// Serves until a signal; the exit code of the program.
  int run();

private:
  void route();
  void predict(const httplib::Request &request, httplib::Response &response);
  bool refusesFraming(const httplib::Request &request, httplib::Response &response) const;
  void waitForSignals(const sigset_t &signals);

  const Service &service;
  const Options &options;
  httplib::Server http;
  std::atomic<bool> stopping{false}, finished{false};
  std::atomic<int64_t> answered{0}, refused{0}, failed{0};
};

void give(httplib::Response &response, const Reply &reply) {
  response.status = reply.status;
  response.set_content(reply.body, reply.type.c_str());
}

/// For a request whose body is left unread: what follows on the connection is no request, so
/// the reply ends it. httplib closes a connection when a provider of content gives up.
void giveAndClose(httplib::Response &response, const Reply &reply) {
  response.status = reply.status;
  response.set_header("Connection", "close");
  response.set_content_provider(reply.type, [body = reply.body](size_t, httplib::DataSink &sink) {
    sink.write(body.data(), body.size());
    return false;
  });
}

std::string tooLarge(int64_t most) {
  return "the body is too large, expected at most " + std::to_string(most) + " bytes";
}

/// Bodies whose length is not said first would be read into memory without a limit, and so
/// would those that grow when they are decompressed.
bool Server::refusesFraming(const httplib::Request &request, httplib::Response &response) const {
  if (request.method == "GET" || request.method == "HEAD")
    return false;
  std::string length = request.get_header_value("Content-Length");
  if (request.has_header("Transfer-Encoding") || length.empty()) {
    giveAndClose(response, failure(411, "expected a Content-Length"));
  } else if (request.get_header_value_count("Content-Length") != 1 || length.size() > 18 ||
             length.find_first_not_of("0123456789") != std::string::npos) {
    giveAndClose(response, failure(400, "expected one Content-Length, a number"));
  } else if (request.has_header("Content-Encoding")) {
    giveAndClose(response, failure(415, "expected a body without Content-Encoding"));
  } else {
    return false;
  }
  return true;
}

void Server::predict(const httplib::Request &request, httplib::Response &response) {
  std::string type = request.get_header_value("Content-Type");
  type = type.substr(0, type.find_first_of("; "));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char letter) { return std::tolower(letter); });
  if (type == "application/json")
    give(response, service.predictJson(request.body));
  else if (type == "application/octet-stream")
    give(response, service.predictBytes(request.body));
  else
    give(response, failure(415, "Content-Type is '" + type +
                                    "', expected application/json or application/octet-stream"));
}

void Server::route() {
  http.Get("/healthz", [](const httplib::Request &, httplib::Response &response) {
    response.set_content("ok\n", "text/plain");
  });
  http.Get("/v1/model", [this](const httplib::Request &, httplib::Response &response) {
    give(response, service.describe());
  });
  http.Post("/v1/predict", [this](const httplib::Request &request, httplib::Response &response) {
    predict(request, response);
  });
  http.Get("/v1/predict", [](const httplib::Request &, httplib::Response &response) {
    response.set_header("Allow", "POST");
    give(response, failure(405, "expected POST /v1/predict"));
  });
  http.set_pre_routing_handler(
      [this](const httplib::Request &request, httplib::Response &response) {
        return refusesFraming(request, response) ? httplib::Server::HandlerResponse::Handled
                                                 : httplib::Server::HandlerResponse::Unhandled;
      });
  // A client that asks before it sends a large body is told here.
  http.set_expect_100_continue_handler(
      [this](const httplib::Request &request, httplib::Response &response) {
        if (request.get_header_value<uint64_t>("Content-Length") <=
            static_cast<uint64_t>(options.maxBody))
          return 100;
        return response.status = 413;
      });
  // What httplib itself refuses has no body yet.
  http.set_error_handler([this](const httplib::Request &request, httplib::Response &response) {
    if (!response.body.empty() || response.has_header("Content-Type"))
      return;
    int status = response.status;
    if (status == 404)
      give(response, failure(404, "there is no " + request.method + " " + request.path +
                                      ", but POST /v1/predict, GET /v1/model and GET /healthz"));
    else if (status == 413)
      give(response, failure(413, tooLarge(options.maxBody)));
    else
      give(response, failure(status, status < 500 ? "the request is malformed or incomplete"
                                                  : "the server failed"));
  });
  http.set_exception_handler(
      [](const httplib::Request &, httplib::Response &response, const std::exception_ptr &thrown) {
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception &error) {
          std::fprintf(stderr, "example-server: %s\n", error.what());
        } catch (...) {
          std::fprintf(stderr, "example-server: something unknown was thrown\n");
        }
        give(response, failure(500, "the server failed"));
      });
  http.set_post_routing_handler([this](const httplib::Request &, httplib::Response &response) {
    if (stopping)
      response.set_header("Connection", "close");
  });
  http.set_logger([this](const httplib::Request &, const httplib::Response &response) {
    ++(response.status < 400 ? answered : response.status < 500 ? refused : failed);
  });
}

void Server::waitForSignals(const sigset_t &signals) {
  int signal = 0;
  auto isStop = [&] {
    do
      sigwait(&signals, &signal);
    while (signal == SIGUSR1 && !finished);
    return !finished;
  };
  if (!isStop())
    return;
  stopping = true;
  std::fprintf(stderr, "example-server: stopping on %s\n", strsignal(signal));
  while (!http.is_running() && !finished) // the signal came before the server was up
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (!finished)
    http.stop();
  if (isStop())
    std::_Exit(1); // twice is an order
}

int Server::run() {
  // Threads inherit the mask, so that one of them alone takes the signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1); // from run itself
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  route();
  http.new_task_queue = [this] {
    return new httplib::ThreadPool(static_cast<size_t>(options.threads));
  };
  http.set_tcp_nodelay(true);
  http.set_keep_alive_max_count(1000000);
  http.set_keep_alive_timeout(kIdleSeconds);
  http.set_payload_max_length(static_cast<size_t>(options.maxBody));
  // httplib's default would let two servers share a port unnoticed.
  http.set_socket_options([](socket_t socket) {
    int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  int port = static_cast<int>(options.port);
  if (port == 0)
    port = http.bind_to_any_port(options.host);
  else if (!http.bind_to_port(options.host, port))
    port = -1;
  if (port < 0)
    exitWith(1, "cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                    std::strerror(errno));
  std::printf("listening on http://%s:%d\n", options.host.c_str(), port);
  std::fflush(stdout);

  std::thread waiting([&] { waitForSignals(signals); });
  bool good = http.listen_after_bind();
  finished = true;
  pthread_kill(waiting.native_handle(), SIGUSR1); // ends its wait
  waiting.join();
  std::fprintf(stderr,
               "example-server: answered %lld, refused %lld, failed %lld requests; computed %lld "
               "rows\n",
               static_cast<long long>(answered), static_cast<long long>(refused),
               static_cast<long long>(failed), static_cast<long long>(service.rows()));
  return good || stopping ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  Options options = parseOptions(argc, argv);
  auto service = Service::load(options.model);
  if (!service)
    exitWith(static_cast<int>(service.error().kind), service.error().message);
  return Server(*service, options).run();
}
