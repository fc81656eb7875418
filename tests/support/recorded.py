"""What each recorded feed means, said once more and by hand: which frames are data, and what topic, key and payload every row
has. Nothing here looks at a recipe; where a feed has ids, a repeated id is one message."""
import gzip
import re
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from captures import payload
from exact import compact, items, members, named, word


class Row(NamedTuple):
    """One message that must come out."""
    topic: str
    key: Optional[str]
    data: str
    identity: Optional[tuple] = None   # equal identities are one message
    chain: Optional[tuple] = None      # (key, first, last) of a book update that a snapshot can replace


class Book(NamedTuple):
    """A snapshot that the feed hands out over HTTP."""
    key: str
    number: int
    data: str


@dataclass
class Feed:
    """One recording: the recipe that must understand it, and what it means."""
    capture: str
    recipe: str
    source: str
    rows: object                          # frame text -> rows, or None for a frame that is no data
    http: Optional[str] = None            # the recording that answers requests
    book: object = None                   # (url, body) -> Book
    book_topic: str = ""                  # of snapshots, with {}
    volatile: list = field(default_factory=list)   # (pattern, replacement): what differs each time it is said


def token(text):
    """A topic token made of data."""
    return "".join(c if re.match(r"[A-Za-z0-9_-]", c) else "".join(f"~{b:02X}" for b in c.encode()) for c in text)


def text_of(row):
    """A recorded frame as text."""
    data = payload(row)
    if isinstance(data, bytes):
        data = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    return compact(data)


# -- the feeds ---------------------------------------------------------------------------------------------------------

def binance(provider):
    def rows(frame):
        data = members(frame)["data"]
        m = members(data)
        symbol, event = word(m["s"]), word(m.get("e", '"bookTicker"'))
        kind = {"aggTrade": "trade", "depthUpdate": "depth", "kline": "candle", "bookTicker": "best"}[event]
        return [Row(f"crypto.{provider}.{symbol}.{kind}", symbol, data,
                    identity=(symbol, m["a"]) if kind == "trade" else None,
                    chain=(symbol, int(m["U"]), int(m["u"])) if kind == "depth" else None)]
    return rows


def binance_book(url, body):
    return Book(re.search(r"symbol=(\w+)", url).group(1), int(members(body)["lastUpdateId"]), body)


def bitfinex():
    channels = {}

    def rows(frame):
        if frame[0] == "{":
            m = members(frame)
            if m["event"] == '"subscribed"':
                channels[m["chanId"]] = (word(m["channel"]), word(m["symbol"]))
            return None
        number, content = items(frame)[:2]
        if content == '"hb"':
            return None
        channel, symbol = channels[number]
        names = {"ticker": ["bid", "bid_size", "ask", "ask_size", "change", "change_relative", "last", "volume", "high", "low"],
                 "trades": ["id", "time", "amount", "price"], "book": ["price", "count", "amount"]}[channel]
        several = items(content) if content[1] == "[" else [content]
        return [Row(f"crypto.bitfinex.{token(symbol)}.{channel}", None, named(names, row),
                    identity=(symbol, items(row)[0]) if channel == "trades" else None) for row in several]
    return rows


def bitmex(frame):
    m = members(frame)
    if "table" not in m:
        return None
    table, found = word(m["table"]), []
    for row in items(m["data"]):
        r = members(row)
        symbol = word(r["symbol"])
        key = f"{symbol}:{r['id']}" if table == "orderBookL2" else symbol
        found.append(Row(f"crypto.bitmex.{symbol}.{table}", key, row, identity=(r["trdMatchID"],) if table == "trade" else None))
    return found


def bitstamp(frame):
    m = members(frame)
    if m["event"] == '"bts:subscription_succeeded"':
        return None
    channel, data = word(m["channel"]), m["data"]
    pair, at = channel.split("_")[-1], int(word(members(data)["microtimestamp"]))
    if channel.startswith("live_trades"):
        return [Row(f"crypto.bitstamp.{pair}.trade", pair, data, identity=(pair, members(data)["id"]))]
    return [Row(f"crypto.bitstamp.{pair}.depth", pair, data, chain=(pair, at, at))]


def bitstamp_book(url, body):
    return Book(url.split("/")[-1], int(word(members(body)["microtimestamp"])), body)


def bybit(frame):
    m = members(frame)
    if "topic" not in m:
        return None
    channel, symbol = word(m["topic"]).split(".")
    if channel == "trade":
        return [Row(f"crypto.bybit.{symbol}.trade", symbol, row, identity=(symbol, members(row)["trade_id"]))
                for row in items(m["data"])]
    return [Row(f"crypto.bybit.{symbol}.depth", symbol, frame)]


def coinbase(frame):
    m = members(frame)
    kind = word(m["type"])
    if kind == "subscriptions":
        return None
    product = word(m["product_id"])
    last = {"match": "trade", "last_match": "trade", "snapshot": "depth", "l2update": "depth"}.get(kind, kind)
    return [Row(f"crypto.coinbase.{product}.{last}", product, frame,
                identity=(kind, product, m["trade_id"]) if "trade_id" in m else None)]


def deribit(frame):
    m = members(frame)
    if m.get("method") != '"subscription"':
        return None
    p = members(m["params"])
    kind = word(p["channel"]).split(".")[0]
    found = []
    for row in items(p["data"]) if p["data"][0] == "[" else [p["data"]]:
        r = members(row)
        name = word(r["instrument_name"])
        found.append(Row(f"crypto.deribit.{name}.{kind}", name, row, identity=(r["trade_id"],) if kind == "trades" else None))
    return found


def dydx(frame):
    m = members(frame)
    if m["type"] == '"connected"':
        return None
    market = word(m["id"])
    if m["channel"] == '"v3_orderbook"':
        return [Row(f"crypto.dydx.{market}.depth", market, m["contents"])]
    found = []
    for row in items(members(m["contents"])["trades"]):
        r = members(row)
        found.append(Row(f"crypto.dydx.{market}.trade", market, row,
                         identity=(market, r["createdAt"], r["price"], r["size"], r["side"])))
    return found


def gateio(frame):
    m = members(frame)
    if m["event"] == '"subscribe"':
        return None
    r, channel = members(m["result"]), word(m["channel"])
    if channel == "spot.order_book_update":
        pair = word(r["s"])
        return [Row(f"crypto.gateio.{pair}.depth", pair, m["result"], chain=(pair, int(r["U"]), int(r["u"])))]
    if channel == "spot.candlesticks":
        pair = word(r["n"])[len("1m_"):]
        return [Row(f"crypto.gateio.{pair}.candle", pair, m["result"])]
    pair = word(r["currency_pair"])
    if channel == "spot.trades":
        return [Row(f"crypto.gateio.{pair}.trade", pair, m["result"], identity=(pair, r["id"]))]
    return [Row(f"crypto.gateio.{pair}.ticker", pair, m["result"])]


def gateio_book(url, body):
    return Book(re.search(r"currency_pair=(\w+)", url).group(1), int(members(body)["id"]), body)


def gemini(frame):
    m = members(frame)
    if m["type"] == '"heartbeat"':
        return None
    symbol, trade = word(m["symbol"]), m["type"] == '"trade"'
    return [Row(f"crypto.gemini.{symbol}.{'trade' if trade else 'depth'}", symbol, frame,
                identity=(symbol, m["event_id"]) if trade else None)]


def huobi(frame):
    m = members(frame)
    if "ch" not in m:
        return None
    _, market, channel = word(m["ch"]).split(".", 2)
    if channel == "trade.detail":
        return [Row(f"crypto.huobi.{market}.trade", market, row, identity=(market, members(row)["id"]))
                for row in items(members(m["tick"])["data"])]
    return [Row(f"crypto.huobi.{market}.depth", market, m["tick"])]


def kraken(kind):
    def rows(frame):
        if frame[0] == "{":
            return None
        parts = items(frame)
        pair = word(parts[-1])
        topic = f"crypto.kraken.{token(pair)}.{kind}"
        if kind == "depth":
            return [Row(topic, pair, frame)]
        if kind == "ticker":
            return [Row(topic, pair, parts[1])]
        names = ["price", "volume", "time", "side", "order", "misc"]
        return [Row(topic, pair, named(names, row), identity=(pair, *items(row)[:3])) for row in items(parts[1])]
    return rows


def kucoin(frame):
    m = members(frame)
    if m["type"] != '"message"':
        return None
    subject, data = word(m["subject"]), m["data"]
    symbol, d = word(m["topic"]).split(":")[1].split("_")[0], members(data)
    kind = {"trade.l3match": "trade", "trade.l2update": "depth", "trade.ticker": "ticker"}.get(subject, "candle")
    return [Row(f"crypto.kucoin.{symbol}.{kind}", symbol, data,
                identity=(symbol, d["tradeId"]) if kind == "trade" else None,
                chain=(symbol, int(d["sequenceStart"]), int(d["sequenceEnd"])) if kind == "depth" else None)]


def kucoin_book(url, body):
    return Book(url.split("=")[1], int(word(members(members(body)["data"])["sequence"])), body)


def okx(frame):
    m = members(frame)
    if "data" not in m:
        return None
    about = members(m["arg"])
    instrument, channel = word(about["instId"]), word(about["channel"])
    return [Row(f"crypto.okx.{instrument}.{channel}", instrument, row,
                identity=(instrument, members(row)["tradeId"]) if channel == "trades" else None) for row in items(m["data"])]


def upbit(frame):
    m = members(frame)
    market, trade = word(m["cd"]), m["ty"] == '"trade"'
    return [Row(f"crypto.upbit.{market}.{'trade' if trade else 'depth'}", market, frame,
                identity=(market, m["sid"]) if trade else None)]


def feeds():
    """Every recording, with fresh state."""
    return [
        Feed("binance.ws.1", "binance", "binance-spot", binance("binance"), http="binance.http.0", book=binance_book,
             book_topic="crypto.binance.{}.depth"),
        Feed("binance_futures.ws.1", "binance_futures", "binance-futures", binance("binance-futures"),
             http="binance_futures.http.0", book=binance_book, book_topic="crypto.binance-futures.{}.depth"),
        Feed("bitfinex.ws.11", "bitfinex", "bitfinex", bitfinex()),
        Feed("bitmex.ws.1", "bitmex", "bitmex", bitmex),
        Feed("bitstamp.ws.1", "bitstamp", "bitstamp", bitstamp, http="bitstamp.http.0", book=bitstamp_book,
             book_topic="crypto.bitstamp.{}.depth"),
        Feed("bybit.ws.25", "bybit", "bybit", bybit),
        Feed("coinbase.ws.28", "coinbase", "coinbase", coinbase),
        Feed("deribit.ws.1", "deribit", "deribit", deribit),
        Feed("dydx.ws.1", "dydx", "dydx", dydx),
        Feed("gateio.ws.1", "gateio", "gateio", gateio, http="gateio.http.0", book=gateio_book,
             book_topic="crypto.gateio.{}.depth", volatile=[(r'"time":\d+', '"time":0')]),
        Feed("gemini.ws.1", "gemini", "gemini", gemini),
        Feed("huobi.ws.44", "huobi", "huobi", huobi),
        Feed("kraken.ws.48", "kraken", "kraken-trade", kraken("trade")),
        Feed("kraken.ws.49", "kraken", "kraken-ticker", kraken("ticker")),
        Feed("kraken.ws.50", "kraken", "kraken-book", kraken("depth")),
        Feed("kucoin.ws.1", "kucoin", "kucoin", kucoin, http="kucoin.http.0", book=kucoin_book,
             book_topic="crypto.kucoin.{}.depth"),
        Feed("okx.ws.1", "okx", "okx", okx),
        Feed("upbit.ws.62", "upbit", "upbit", upbit, volatile=[(r'"ticket":"[^"]*"', '"ticket":""')]),
    ]
