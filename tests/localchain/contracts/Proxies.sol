// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// An account owned by another, which calls whatever its owner says.
contract Proxy {
    address public owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }
}

/// A registry that keeps the last proxy made for each owner, given away or not.
contract Proxies {
    mapping(address => Proxy) public proxies;

    function build(address owner) external returns (Proxy proxy) {
        proxy = new Proxy(owner);
        proxies[owner] = proxy;
    }
}

/// What tells a Safe: the list of its owners.
contract Shared {
    address[] private _owners;

    constructor(address[] memory owners_) {
        _owners = owners_;
    }

    function getOwners() external view returns (address[] memory) {
        return _owners;
    }
}
