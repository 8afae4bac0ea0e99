// What the chat says. Each language is complete.
const en = {
  title: 'Chat with us', up: 'We are here to help', lost: 'Connecting…', offline: 'Offline',
  offlineNote: 'You are offline. What you write is sent when you are back.', hello: 'Hello!', helloMore: 'Write to us: we answer here.',
  write: 'Write a message…', send: 'Send', attach: 'Attach a file', close: 'Close chat', older: 'Show earlier messages', down: '↓ New messages',
  you: 'You', agent: 'Agent', bot: 'Automatic message', typing: (name) => `${name || 'Somebody'} is typing`, today: 'Today', yesterday: 'Yesterday',
  sending: 'Sending', stored: 'Sent', accepted: 'With our team', read: 'Seen', failed: 'Not sent', retry: 'Try again', drop: 'Discard', cancel: 'Cancel',
  slow: (wait) => `That was quick! The next message goes out in ${wait} s.`, short: 'Storage is blocked here: this chat ends when you close the page.',
  old: 'could not be sent for a day', text_too_long: 'the text is too long', no_file: 'a file is no longer here', file_type: 'This kind of file cannot be sent',
  too_large: (limit) => `Larger than ${limit}`, too_many_pixels: 'The picture has too many pixels', quota: 'Too many files today; text still works', no_room: 'Files cannot be taken right now; text can', rate_limited: 'Too many files at once. Try again in a moment',
  origin_not_allowed: 'This chat is not set up for this site.', identity_required: 'Please sign in on this site to chat.', closed: 'The conversation has ended. Write again at any time.',
  name: 'Your name', email: 'Your e-mail', phone: 'Your phone', ask: 'So that we can reach you (not required):', save: 'Save', skip: 'Skip', unread: (n) => `${n} unread`,
};
const zh = {
  title: '在线客服', up: '有问题请随时联系我们', lost: '正在连接…', offline: '离线',
  offlineNote: '当前处于离线状态，联网后会自动发送您写的内容。', hello: '您好！', helloMore: '请留言，我们会在这里回复您。',
  write: '请输入消息…', send: '发送', attach: '添加文件', close: '关闭聊天', older: '查看更早的消息', down: '↓ 新消息',
  you: '我', agent: '客服', bot: '自动消息', typing: (name) => `${name || '对方'}正在输入`, today: '今天', yesterday: '昨天',
  sending: '发送中', stored: '已发送', accepted: '客服已收到', read: '已读', failed: '未发送', retry: '重试', drop: '放弃', cancel: '取消',
  slow: (wait) => `发送过快，下一条消息将在 ${wait} 秒后发出。`, short: '此处无法保存数据，关闭页面后会话将结束。',
  old: '超过一天仍未发送', text_too_long: '内容过长', no_file: '文件已不存在', file_type: '不支持发送此类文件',
  too_large: (limit) => `文件超过 ${limit}`, too_many_pixels: '图片像素过高', quota: '今天发送的文件过多，仍可发送文字', no_room: '暂时无法接收文件，仍可发送文字', rate_limited: '文件发送过快，请稍后再试',
  origin_not_allowed: '此聊天未对本网站开放。', identity_required: '请先登录本网站再开始聊天。', closed: '会话已结束，您可以随时再次留言。',
  name: '称呼', email: '邮箱', phone: '电话', ask: '方便我们联系您（选填）：', save: '保存', skip: '跳过', unread: (n) => `${n} 条未读`,
};
export const texts = (lang) => (/^zh/i.test(lang) ? zh : en);
