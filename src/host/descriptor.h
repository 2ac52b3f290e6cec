#pragma once
// An open file of this process, closed when its owner goes.

#include <unistd.h>
#include <utility>

namespace belay::host {

class Descriptor {
  public:
    Descriptor() = default;
    /// Takes over `number`; negative: none.
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() { close(); }

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }
    /// Gives it up to whoever closes it from now on.
    int release() { return std::exchange(number_, -1); }
    void close()
    {
        if (number_ >= 0) ::close(number_);
        number_ = -1;
    }

  private:
    int number_ = -1;
};

}  // namespace belay::host
