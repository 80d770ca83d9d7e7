// What the server does, without HTTP: a request's body in, a reply's body out.
#ifndef MLC_EXAMPLES_SERVER_SERVICE_H
#define MLC_EXAMPLES_SERVER_SERVICE_H

#include "mlc/mlc.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>

/// Numbers are floats as the tensors' are: each is rounded once when it is read, and
/// written with as few digits as bring it back.
using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t,
                                  std::uint64_t, float>;

struct Reply {
  int status = 200; ///< Of HTTP.
  std::string type; ///< MIME type of the body.
  std::string body;
};

/// {"error": message}
Reply failure(int status, const std::string &message);

/// One model, shared by all threads. A process has one Service, as each of its threads
/// keeps a Call that is bound to it.
/// Thread-safety: every const member may be called from many threads at once.
class Service {
public:
  static mlc::Result<Service> load(const std::string &path);

  /// The model's inputs and outputs.
  Reply describe() const;
  /// From an object with an array for each input, one with an array for each output.
  Reply predictJson(const std::string &body) const;
  /// The elements of the only input, and those of the only output: little endian and
  /// row-major, any number of rows if the model has a symbolic dimension.
  Reply predictBytes(const std::string &body) const;
  /// Rows computed so far.
  int64_t rows() const { return *numRows; }

private:
  /// Inputs to write and a Call to run: of the thread for one row, else just made.
  struct Bound;
  explicit Service(mlc::Executable executable) : executable(std::move(executable)) {}
  mlc::Result<Bound> bind(int64_t rows) const;
  static std::optional<Bound> &ofThisThread();
  /// Runs `body(Bound &) -> Status` with what is bound for so many rows.
  template <typename Body> mlc::Status withBound(int64_t rows, Body body) const;
  std::string typeOf(const mlc::ImageTensor &tensor) const;

  mlc::Executable executable;
  std::shared_ptr<std::atomic<int64_t>> numRows = std::make_shared<std::atomic<int64_t>>(0);
};

#endif // MLC_EXAMPLES_SERVER_SERVICE_H
