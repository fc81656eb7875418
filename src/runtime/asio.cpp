// Boost.Asio is compiled once, here: the project defines BOOST_ASIO_SEPARATE_COMPILATION.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#pragma clang diagnostic pop
