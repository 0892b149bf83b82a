// SPDX-License-Identifier: MIT
//
// Sockets of extmod/modsocket.c on a network module's links.
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "net_nic.h"

#define LOCK_MS (60000)
#define SEND_PART (4096) // Ctrl-C is looked at between parts

void net_idle(void *ctx) {
    (void)ctx;
    mp_event_wait_ms(1);
}

uint32_t net_ticks_ms(void *ctx) {
    (void)ctx;
    return mp_hal_ticks_ms();
}

void net_raise(int err, mp_rom_error_text_t format, ...) {
    vstr_t text;
    vstr_init(&text, 64);
    va_list ap;
    va_start(ap, format);
    #if MICROPY_ROM_TEXT_COMPRESSION
    char plain[MP_MAX_UNCOMPRESSED_TEXT_LEN];
    mp_decompress_rom_string((byte *)plain, (mp_rom_error_text_t)format);
    vstr_vprintf(&text, plain, ap);
    #else
    vstr_vprintf(&text, (const char *)format, ap);
    #endif
    va_end(ap);
    mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(err), mp_obj_new_str_from_vstr(&text) };
    nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
}

const char *net_text(mp_obj_t text, size_t max, const char *what) {
    size_t len;
    const char *s = mp_obj_str_get_data(text, &len);
    if (len > max || strlen(s) != len) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s of %u bytes: it has %u at most, and none of them is 0"), what,
            (unsigned)len, (unsigned)max);
    }
    return s;
}

mp_obj_t net_ip_str(const uint8_t ip[4]) {
    vstr_t text;
    vstr_init(&text, 16);
    vstr_printf(&text, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    return mp_obj_new_str_from_vstr(&text);
}

void net_ip_arg(mp_obj_t text, uint8_t ip[4]) {
    const char *s = mp_obj_str_get_str(text), *end;
    if (!net_parse_ip(s, ip, &end) || *end != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("\"%s\" is not an address like 192.168.1.20"), s);
    }
}

mp_obj_t net_mac_bytes(const char *text) {
    uint8_t mac[6];
    net_parse_mac(text, mac);
    return mp_obj_new_bytes(mac, sizeof(mac));
}

mp_obj_t net_ap_tuple(const net_ap_t *ap) {
    mp_obj_t tuple[6] = {
        mp_obj_new_bytes((const byte *)ap->ssid, strlen(ap->ssid)), mp_obj_new_bytes(ap->bssid, sizeof(ap->bssid)),
        MP_OBJ_NEW_SMALL_INT(ap->channel), MP_OBJ_NEW_SMALL_INT(ap->rssi), MP_OBJ_NEW_SMALL_INT(ap->security),
        mp_obj_new_bool(ap->ssid[0] == 0),
    };
    return mp_obj_new_tuple(6, tuple);
}

mp_obj_t net_config_of(mp_obj_t what, const net_ap_t *ap) {
    switch (mp_obj_str_get_qstr(what)) {
        case MP_QSTR_ssid:
        case MP_QSTR_essid:
            return mp_obj_new_str(ap->ssid, strlen(ap->ssid));
        case MP_QSTR_channel:
            return MP_OBJ_NEW_SMALL_INT(ap->channel);
        case MP_QSTR_rssi:
            return MP_OBJ_NEW_SMALL_INT(ap->rssi);
        default:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("unknown config param %s"), mp_obj_str_get_str(what));
    }
}

// ---- calls -------------------------------------------------------------------------------------

static mp_uint_t this_thread(void) {
    #if MICROPY_PY_THREAD
    return mp_thread_get_id();
    #else
    return 0;
    #endif
}

static void lock(net_nic_t *nic) {
    mp_uint_t start = mp_hal_ticks_ms();
    while (nic->locked) {
        if (nic->owner == this_thread() || mp_hal_ticks_ms() - start > LOCK_MS) {
            net_raise(MP_EBUSY, MP_ERROR_TEXT("%s is in the middle of another command"), nic->name);
        }
        mp_event_wait_ms(1);
    }
    if (!nic->alive) {
        net_raise(MP_ENODEV, MP_ERROR_TEXT("this %s object is no longer in use"), nic->name);
    }
    nic->locked = true;
    nic->owner = this_thread();
}

int net_nic_call(net_nic_t *nic, net_call_t fn, void *args) {
    lock(nic);
    nlr_buf_t nlr;
    int ret;
    if (nlr_push(&nlr) == 0) {
        for (int link = 0; nic->orphans != 0; ++link) {
            uint32_t bit = 1u << link;
            if (nic->orphans & bit) {
                nic->orphans &= ~bit;
                nic->sockets->close(nic->driver, link);
            }
        }
        ret = fn(nic->driver, args);
        nlr_pop();
    } else {
        nic->locked = false;
        nlr_jump(nlr.ret_val);
    }
    nic->locked = false;
    if (ret == -ETIMEDOUT) {
        net_raise(MP_ETIMEDOUT, MP_ERROR_TEXT("%s did not answer to %s in time"), nic->name, nic->doing(nic->driver));
    }
    if (ret == -ECONNRESET) {
        net_raise(MP_ECONNRESET, MP_ERROR_TEXT("%s has started anew: connect again"), nic->name);
    }
    return ret;
}

void net_nic_register(net_nic_t *nic) {
    mp_obj_list_t *list = &MP_STATE_PORT(mod_network_nic_list);
    size_t kept = 0;
    for (size_t i = 0; i < list->len; ++i) {
        net_nic_t *other = MP_OBJ_TO_PTR(list->items[i]);
        if (other->base.type == nic->base.type) {
            other->alive = false;
        } else {
            list->items[kept++] = list->items[i];
        }
    }
    list->len = kept;
    nic->alive = true;
    mod_network_register_nic(MP_OBJ_FROM_PTR(nic));
}

// Soft reset: finalisers of sockets must not talk to hardware that is gone.
static void nic_deinit(void) {
    mp_obj_list_t *list = &MP_STATE_PORT(mod_network_nic_list);
    for (size_t i = 0; i < list->len; ++i) {
        ((net_nic_t *)MP_OBJ_TO_PTR(list->items[i]))->alive = false;
    }
}

// ---- sockets -----------------------------------------------------------------------------------

typedef mod_network_socket_obj_t socket_t;

typedef struct {
    int link;
    const uint8_t *from;
    uint8_t *to;
    size_t len;
    net_peer_t *peer;
    uint16_t port;
    const char *name;
    uint8_t *ip;
} args_t;

static net_nic_t *nic_of(const socket_t *s) {
    return MP_OBJ_TO_PTR(s->nic);
}

typedef struct {
    const net_sockets_t *sockets;
    args_t args;
} job_t;

static int job_resolve(void *d, void *j) {
    job_t *job = j;
    return job->sockets->resolve(d, job->args.name, job->args.ip);
}

static int job_connect(void *d, void *j) {
    job_t *job = j;
    return job->sockets->connect(d, job->args.peer);
}

static int job_udp(void *d, void *j) {
    job_t *job = j;
    return job->sockets->udp(d, job->args.peer, job->args.port);
}

static int job_listen(void *d, void *j) {
    job_t *job = j;
    return job->sockets->listen(d, job->args.port);
}

static int job_accept(void *d, void *j) {
    job_t *job = j;
    return job->sockets->accept(d, job->args.link, job->args.peer);
}

static int job_send(void *d, void *j) {
    job_t *job = j;
    return job->sockets->send(d, job->args.link, job->args.from, job->args.len, job->args.peer);
}

static int job_recv(void *d, void *j) {
    job_t *job = j;
    return job->sockets->recv(d, job->args.link, job->args.to, job->args.len, job->args.peer);
}

static int job_readable(void *d, void *j) {
    job_t *job = j;
    return job->sockets->readable(d, job->args.link);
}

static int job_close(void *d, void *j) {
    job_t *job = j;
    job->sockets->close(d, job->args.link);
    return 0;
}

static int run(net_nic_t *nic, net_call_t fn, args_t args) {
    job_t job = { nic->sockets, args };
    return net_nic_call(nic, fn, &job);
}

// Until there is an answer, the socket's time is up, or Ctrl-C. -1 and *_errno, or the answer.
static mp_uint_t run_until(socket_t *s, net_call_t fn, args_t args, int *_errno) {
    mp_uint_t start = mp_hal_ticks_ms();
    for (;;) {
        int ret = run(nic_of(s), fn, args);
        if (ret >= 0) {
            return ret;
        }
        if (ret == -ENOBUFS) {
            net_raise(MP_ENOBUFS, MP_ERROR_TEXT("%s: data were lost, because more came than were read"), nic_of(s)->name);
        }
        if (ret != -EAGAIN) {
            *_errno = -ret;
            return -1;
        }
        if (s->timeout >= 0 && mp_hal_ticks_ms() - start >= (mp_uint_t)s->timeout) {
            *_errno = s->timeout == 0 ? MP_EAGAIN : MP_ETIMEDOUT;
            return -1;
        }
        mp_event_wait_ms(1);
    }
}

static int done(int ret, int *_errno) {
    if (ret < 0) {
        *_errno = -ret;
        return -1;
    }
    return ret;
}

static int nic_gethostbyname(mp_obj_t nic_in, const char *name, mp_uint_t len, uint8_t *ip) {
    if (len > NET_HOST_MAX || strlen(name) != len) {
        return MP_EINVAL;
    }
    int ret = run(MP_OBJ_TO_PTR(nic_in), job_resolve, (args_t) { .name = name, .ip = ip });
    return ret < 0 ? -ret : 0;
}

static int nic_socket(socket_t *s, int *_errno) {
    if (s->domain != MOD_NETWORK_AF_INET || (s->type != MOD_NETWORK_SOCK_STREAM && s->type != MOD_NETWORK_SOCK_DGRAM)) {
        s->nic = MP_OBJ_NULL;
        *_errno = MP_EAFNOSUPPORT;
        return -1;
    }
    s->fileno = -1;
    s->_private = NULL; // the port of bind()
    return 0;
}

static void nic_close(socket_t *s) {
    net_nic_t *nic = nic_of(s);
    int link = s->fileno;
    s->fileno = -1;
    if (link < 0 || !nic->alive) {
        return;
    }
    if (gc_is_locked() || nic->locked) {
        // A finaliser cannot wait for the module.
        nic->orphans |= 1u << link;
        return;
    }
    run(nic, job_close, (args_t) { .link = link });
}

static int open_udp(socket_t *s, const net_peer_t *to, int *_errno) {
    net_peer_t peer = *to;
    int ret = run(nic_of(s), job_udp, (args_t) { .peer = &peer, .port = (uintptr_t)s->_private });
    if (ret >= 0) {
        s->fileno = ret;
    }
    return done(ret, _errno) < 0 ? -1 : 0;
}

static int nic_bind(socket_t *s, byte *ip, mp_uint_t port, int *_errno) {
    if (port > 0xFFFF || s->fileno >= 0) {
        *_errno = MP_EINVAL;
        return -1;
    }
    s->_private = (void *)(uintptr_t)port;
    s->bound = true;
    if (s->type == MOD_NETWORK_SOCK_DGRAM && port != 0) {
        return open_udp(s, &(net_peer_t) { .port = port }, _errno);
    }
    return 0;
}

static int nic_listen(socket_t *s, mp_int_t backlog, int *_errno) {
    uint16_t port = (uintptr_t)s->_private;
    if (s->type != MOD_NETWORK_SOCK_STREAM || s->fileno >= 0 || port == 0) {
        *_errno = MP_EINVAL;
        return -1;
    }
    int ret = run(nic_of(s), job_listen, (args_t) { .port = port });
    if (ret >= 0) {
        s->fileno = ret;
        ret = 0;
    }
    return done(ret, _errno);
}

static int nic_accept(socket_t *s, socket_t *s2, byte *ip, mp_uint_t *port, int *_errno) {
    net_peer_t from;
    if (s->state != MOD_NETWORK_SS_LISTENING) {
        *_errno = MP_EINVAL;
        return -1;
    }
    mp_uint_t link = run_until(s, job_accept, (args_t) { .link = s->fileno, .peer = &from }, _errno);
    if (link == (mp_uint_t)-1) {
        return -1;
    }
    s2->fileno = link;
    s2->state = MOD_NETWORK_SS_CONNECTED;
    memcpy(ip, from.ip, 4);
    *port = from.port;
    return 0;
}

static int nic_connect(socket_t *s, byte *ip, mp_uint_t port, int *_errno) {
    net_peer_t to = { .port = port };
    memcpy(to.ip, ip, 4);
    if (port == 0 || port > 0xFFFF) {
        *_errno = MP_EINVAL;
        return -1;
    }
    if (s->fileno >= 0) {
        *_errno = MP_EISCONN;
        return -1;
    }
    if (s->type == MOD_NETWORK_SOCK_DGRAM) {
        return open_udp(s, &to, _errno);
    }
    int ret = run(nic_of(s), job_connect, (args_t) { .peer = &to });
    if (ret >= 0) {
        s->fileno = ret;
        ret = 0;
    }
    return done(ret, _errno);
}

static bool connected(const socket_t *s, int *_errno, int err) {
    if (s->fileno < 0 || s->state == MOD_NETWORK_SS_LISTENING) {
        *_errno = err;
        return false;
    }
    return true;
}

static mp_uint_t send_parts(socket_t *s, const byte *data, mp_uint_t len, net_peer_t *to, int *_errno) {
    mp_uint_t sent = 0;
    do {
        mp_uint_t part = s->type == MOD_NETWORK_SOCK_DGRAM ? len : MIN(len - sent, SEND_PART);
        mp_uint_t n = run_until(s, job_send, (args_t) { .link = s->fileno, .from = data + sent, .len = part, .peer = to }, _errno);
        if (n == (mp_uint_t)-1) {
            return sent != 0 ? sent : (mp_uint_t)-1;
        }
        sent += n;
        if (n == 0) {
            break;
        }
    } while (sent < len && s->type == MOD_NETWORK_SOCK_STREAM);
    return sent;
}

static mp_uint_t nic_send(socket_t *s, const byte *data, mp_uint_t len, int *_errno) {
    return connected(s, _errno, MP_EPIPE) ? send_parts(s, data, len, NULL, _errno) : (mp_uint_t)-1;
}

static mp_uint_t nic_sendto(socket_t *s, const byte *data, mp_uint_t len, byte *ip, mp_uint_t port, int *_errno) {
    net_peer_t to = { .port = port };
    memcpy(to.ip, ip, 4);
    if (s->type != MOD_NETWORK_SOCK_DGRAM) {
        return nic_send(s, data, len, _errno);
    }
    if (port == 0 || port > 0xFFFF) {
        *_errno = MP_EINVAL;
        return -1;
    }
    if (s->fileno < 0 && open_udp(s, &to, _errno) < 0) {
        return -1;
    }
    return send_parts(s, data, len, &to, _errno);
}

static mp_uint_t receive(socket_t *s, byte *data, mp_uint_t len, net_peer_t *from, int *_errno) {
    if (!connected(s, _errno, MP_ENOTCONN)) {
        return -1;
    }
    return len == 0 ? 0 : run_until(s, job_recv, (args_t) { .link = s->fileno, .to = data, .len = MIN(len, 1u << 20), .peer = from }, _errno);
}

static mp_uint_t nic_recv(socket_t *s, byte *data, mp_uint_t len, int *_errno) {
    net_peer_t from;
    return receive(s, data, len, &from, _errno);
}

static mp_uint_t nic_recvfrom(socket_t *s, byte *data, mp_uint_t len, byte *ip, mp_uint_t *port, int *_errno) {
    net_peer_t from = { 0 };
    mp_uint_t n = receive(s, data, len, &from, _errno);
    memcpy(ip, from.ip, 4);
    *port = from.port;
    return n;
}

// The modules have no options; scripts set SO_REUSEADDR as a matter of course.
static int nic_setsockopt(socket_t *s, mp_uint_t level, mp_uint_t opt, const void *value, mp_uint_t len, int *_errno) {
    if (level == MOD_NETWORK_SOL_SOCKET &&
        (opt == MOD_NETWORK_SO_REUSEADDR || opt == MOD_NETWORK_SO_BROADCAST || opt == MOD_NETWORK_SO_KEEPALIVE)) {
        return 0;
    }
    *_errno = MP_EOPNOTSUPP;
    return -1;
}

static int nic_settimeout(socket_t *s, mp_uint_t timeout_ms, int *_errno) {
    s->timeout = timeout_ms == (mp_uint_t)-1 ? -1 : (int32_t)MIN(timeout_ms, (mp_uint_t)INT32_MAX);
    return 0;
}

static int nic_ioctl(socket_t *s, mp_uint_t request, mp_uint_t arg, int *_errno) {
    if (request != MP_STREAM_POLL) {
        *_errno = MP_EINVAL;
        return -1;
    }
    mp_uint_t ready = 0;
    if (s->fileno < 0) {
        return (arg & MP_STREAM_POLL_WR) | MP_STREAM_POLL_HUP;
    }
    if ((arg & MP_STREAM_POLL_RD) && run(nic_of(s), job_readable, (args_t) { .link = s->fileno }) != 0) {
        ready |= MP_STREAM_POLL_RD; // an error is something to read, too
    }
    if ((arg & MP_STREAM_POLL_WR) && s->state != MOD_NETWORK_SS_LISTENING) {
        ready |= MP_STREAM_POLL_WR;
    }
    return ready;
}

const mod_network_nic_protocol_t net_nic_protocol = {
    .gethostbyname = nic_gethostbyname,
    .deinit = nic_deinit,
    .socket = nic_socket,
    .close = nic_close,
    .bind = nic_bind,
    .listen = nic_listen,
    .accept = nic_accept,
    .connect = nic_connect,
    .send = nic_send,
    .recv = nic_recv,
    .sendto = nic_sendto,
    .recvfrom = nic_recvfrom,
    .setsockopt = nic_setsockopt,
    .settimeout = nic_settimeout,
    .ioctl = nic_ioctl,
};
