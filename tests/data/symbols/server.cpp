// An invented server, whose names and lines the tests of symbols ask for. Built by build.sh; ours, under the licence of heapdelta.
//
// With REBUILT the same program has another order of functions and one function more, so that every offset is another one.

extern "C" int _fltused = 0;

#define FAR_CALL __attribute__((noinline))
#define HERE inline __attribute__((always_inline))

namespace shop {

volatile int sink;
int (*volatile callback)(int);

FAR_CALL int allocate(int bytes) {
    sink = bytes;
    return sink;
}

#ifdef REBUILT
FAR_CALL int audit(int bytes) {
    int sum = allocate(bytes);
    for (int i = 0; i < 7; ++i) sum += allocate(i * sum);
    return sum;
}
#endif

struct Basket {
    int items;
    FAR_CALL int add(int price);
    FAR_CALL int add(int price, int count);
    virtual FAR_CALL int total() const;
};

HERE int checked(int price) {
    return allocate(price) + 1;
}

HERE int taxed(int price) {
    int rate = checked(price);
    return rate + allocate(rate);
}

int Basket::add(int price) {
    items += taxed(price);
    return items;
}

int Basket::add(int price, int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += add(price + i);
    return sum;
}

int Basket::total() const {
    return allocate(items) + callback(items);
}

template <class T> FAR_CALL T scaled(T value) {
    return static_cast<T>(allocate(static_cast<int>(value)) * 3);
}

// Two functions of the same code: the linker keeps one.
FAR_CALL int open_order(int id) {
    return allocate(id + 12) + 3;
}

FAR_CALL int close_order(int id) {
    return allocate(id + 12) + 3;
}

namespace {
FAR_CALL int hidden(int id) {
    return allocate(id) - open_order(id) + close_order(id);
}
}  // namespace

// So long that addresses in it are far from its start.
#define TEN(x) x x x x x x x x x x
FAR_CALL int unrolled(int seed) {
    TEN(TEN(seed += allocate(seed + 1); seed ^= 0x51;))
    TEN(TEN(seed += allocate(seed + 2); seed ^= 0x52;))
    TEN(TEN(seed += allocate(seed + 3); seed ^= 0x53;))
    return seed;
}

}  // namespace shop

static FAR_CALL int twice(int value) {
    return shop::allocate(value) * 2;
}

extern "C" FAR_CALL int worker(int seed) {
    shop::Basket basket;
    basket.items = seed;
    auto charge = [&](int price) __attribute__((noinline)) { return basket.add(price) + shop::allocate(price); };
    int sum = basket.add(seed) + basket.add(seed, 3) + basket.total();
    sum += shop::scaled(seed) + shop::scaled(static_cast<short>(seed)) + shop::hidden(seed) + charge(sum);
    return sum + shop::unrolled(seed) + twice(sum);
}

extern "C" int mainCRTStartup() {
    shop::callback = twice;
#ifdef REBUILT
    return worker(shop::audit(shop::sink)) + shop::callback(2);
#else
    return worker(shop::sink) + shop::callback(2);
#endif
}
