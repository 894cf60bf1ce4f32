// Test helper: an HTTP server on loopback that knows ranges and can misbehave on purpose.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace framelift::test {

class HttpServer {
 public:
  struct Behaviour {
    bool ranges = true;
    // Bytes of content after which each of the first `cut_count` answers breaks off.
    size_t cut_after = std::string::npos;
    int cut_count = 0;
  };

  HttpServer(std::map<std::string, std::string> files, Behaviour behaviour)
      : files_(std::move(files)), behaviour_(behaviour) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 8);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  explicit HttpServer(std::map<std::string, std::string> files) : HttpServer(std::move(files), Behaviour{}) {}
  ~HttpServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& name) const { return "http://127.0.0.1:" + std::to_string(port_) + "/" + name; }
  // The Range header of each request so far ("" without one).
  std::vector<std::string> ranges_asked() const {
    std::lock_guard lock(mutex_);
    return ranges_;
  }

 private:
  void serve() {
    for (int client = 0; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      answer(client);
      ::close(client);
    }
  }

  static void send_all(int client, std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(client, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      data.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void answer(int client) {
    std::string request;
    char buffer[2048];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      request.append(buffer, static_cast<size_t>(got));
    }
    const size_t path_end = request.find(' ', 5);
    const std::string name = request.substr(5, path_end - 5);  // behind "GET /"
    size_t begin = 0;
    std::string range;
    if (const size_t at = request.find("Range: bytes="); at != std::string::npos) {
      range = request.substr(at + 13, request.find('\r', at) - at - 13);
      begin = static_cast<size_t>(std::atoll(range.c_str()));
    }
    {
      std::lock_guard lock(mutex_);
      ranges_.push_back(range);
    }
    const auto file = files_.find(name);
    if (file == files_.end()) return send_all(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    std::string_view content = file->second;
    std::string head = "HTTP/1.1 200 OK\r\n";
    if (!range.empty() && behaviour_.ranges) {
      if (begin >= content.size())
        return send_all(client, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
      head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(begin) + "-" +
             std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n";
      content.remove_prefix(begin);
    }
    send_all(client, head + "Content-Length: " + std::to_string(content.size()) + "\r\nConnection: close\r\n\r\n");
    if (behaviour_.cut_count > 0) {
      --behaviour_.cut_count;
      content = content.substr(0, behaviour_.cut_after);
    }
    send_all(client, content);
  }

  std::map<std::string, std::string> files_;
  Behaviour behaviour_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> ranges_;
  std::thread thread_;
};

}  // namespace framelift::test
