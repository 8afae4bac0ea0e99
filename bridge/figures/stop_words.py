"""Words that say nothing about what is asked."""

_CHINESE = """
的 了 吗 呢 吧 啊 呀 哦 嗯 哈 嘛 啦 么 是 在 有 我 你 您 他 她 它 们 我们 你们 您们 他们 她们 咱们 大家 自己
这 那 这个 那个 这些 那些 这里 那里 这样 那样 这么 那么 哪 哪个 哪里 哪些 什么 怎么 怎样 怎么样 怎么办 为什么
为啥 啥 多少 几 谁 何时 如何 是否 是不是 有没有 能不能 可不可以 会不会 要不要 好不好 行不行 一个 一下 一些
一点 一样 一直 一次 还是 还有 还 就 就是 都 也 和 与 及 或 或者 但 但是 可是 不过 因为 所以 如果 的话 而且
然后 已经 正在 刚 刚刚 刚才 现在 今天 明天 昨天 后天 前天 早上 上午 中午 下午 晚上 时候 时间 之前 之后 以前
以后 前 后 里 上 下 中 内 外 不 没 没有 不是 不会 不能 不要 不用 不行 别 很 太 非常 真 真的 比较 更 最 好
好的 好吧 行 可以 能 会 要 想 想要 需要 应该 可能 必须 让 叫 给 把 被 将 对 对于 关于 从 到 向 往 为 为了 以
用 按 跟 同 于 去 来 过 着 地 得 之 其 其他 等 等等 个 些 点 次 件 天 年 月 日 号 分 块 元 家 位 请 请问 麻烦
谢谢 感谢 多谢 不好意思 抱歉 对不起 您好 你好 在吗 在么 亲 亲亲 客服 人工 老板 哈哈 呵呵 嗯嗯 好滴 知道 明白
了解 收到 看 看看 看到 说 说话 问 问题 觉得 告诉 帮 帮忙 帮我 弄 做 搞 又 再 才 只 只是 只有 只能 还要 还能
怎 那边 这边 东西 事 事情 呗 哎 唉 喂 嘿 咋 咋样 啥时候 什么时候 多久 多长 人 直接 一般 特别 有点 有些 有人
任何 每 每个 各 另 另外 其实 当然 确实 起来 出来 下来
"""
_ENGLISH = """
a an the i you he she it we they me my your his her its our their this that these those there here what which
who whom whose when where why how is am are was were be been being do does did done have has had having can
could will would shall should may might must to of in on at by for with from into about as if or and but not
no yes so than then too very just only also still again more most some any each every all both other such own
same up down out off over under please thanks thank hello hi hey ok okay sorry dear sir madam team get got
need want like know see say tell ask help let make us im i'm it's don't can't didn't doesn't isn't i've i'd
you're one two
"""
STOP_WORDS = frozenset((_CHINESE + _ENGLISH).split())
